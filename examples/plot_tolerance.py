"""
Leaving out what weighs nothing
===============================

``tol`` bounds the share of a query's mass that may be left out. The error stays under it; the time
falls with the pairs that are visited.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc

rng = np.random.default_rng(0)
centers = rng.uniform(-4, 4, size=(30, 2))
points = centers[rng.integers(0, 30, 20_000)] + 0.3 * rng.normal(size=(20_000, 2))
options = {"statistics": "log_mass"}

# %%
# A narrow Gaussian, and a Laplace kernel whose tails reach farther, in double precision.
tolerances = np.logspace(-12, -1, 12)
kernels = [("gaussian", 0.05, "o", "-"), ("laplace", 0.02, "s", "--")]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for kernel, bandwidth, marker, line in kernels:
    errors, visited, seconds = [], [], []
    started = time.perf_counter()
    exact = vc.local_stats(points, points, kernel=kernel, bandwidth=bandwidth, **options)
    dense = time.perf_counter() - started
    for tol in tolerances:
        started = time.perf_counter()
        got = vc.local_stats(points, points, kernel=kernel, bandwidth=bandwidth, tol=tol, **options)
        seconds.append(time.perf_counter() - started)
        errors.append(np.abs(np.expm1(got.log_mass - exact.log_mass)).max())
        visited.append(got.pairs_visited / len(points) ** 2)
    left.loglog(tolerances, errors, marker + line, label=kernel)
    right.semilogx(tolerances, visited, marker + line, label=kernel)
    print(f"{kernel}: all pairs {dense:.2f} s, tol = 1e-6 {seconds[6]:.2f} s")
left.loglog(tolerances, tolerances, "k:", label="the bound")
left.set(xlabel="tol", ylabel="largest relative error of the mass", title="The error")
right.set(xlabel="tol", ylabel="share of all pairs visited", title="The work", ylim=(0, None))
left.legend()
right.legend()
plt.show()
