"""The identities of docs/theory as property tests: float64 to about 1e-13 unless said.

200 examples each; `--hypothesis-profile=nightly` runs 20,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import vicinal as vc

TIGHT = 1e-13
SMOOTH = ("gaussian", "laplace", "logistic", "cauchy", "student_t", "rational_quadratic", "matern")
COMPACT = ("epanechnikov", "biweight", "tricube", "triangular", "cosine", "uniform", "wendland_c2")
LIMITS = ("gaussian", "laplace", "logistic", "matern")


@dataclass(frozen=True)
class Problem:
    """Queries (m, d), keys (n, d), values (n, p)."""

    q: np.ndarray
    x: np.ndarray
    y: np.ndarray
    rng: np.random.Generator


@st.composite
def problems(draw, dtypes=(np.float64,), grids=(False, True), most=60):
    """Draw clouds, integer grids (exact ties and coincidences) and clusters."""
    m, n = draw(st.integers(1, 8)), draw(st.integers(1, most))
    d, p = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grid, dtype = draw(st.sampled_from(grids)), draw(st.sampled_from(dtypes))
    q, x = rng.normal(size=(m, d)), rng.normal(size=(n, d))
    if grid:
        q, x = np.round(2 * q), np.round(2 * x)
    elif draw(st.booleans()):
        x += 10.0 * rng.integers(-1, 2, size=(n, 1))
    y = rng.normal(size=(n, p))
    return Problem(q.astype(dtype), x.astype(dtype), y.astype(dtype), rng)


widths = st.floats(-2, 3).map(lambda e: float(10**e))
moderate = st.floats(-0.5, 1).map(lambda e: float(10**e))
BOTH = (np.float32, np.float64)


@given(problems(), st.sampled_from(SMOOTH), widths)
def test_local_mean_is_where_the_gradient_vanishes(problem, kernel, h):
    weights = vc.local_weights(problem.q, problem.x, kernel=kernel, bandwidth=h)
    mean = vc.local_mean(problem.q, problem.x, problem.y, kernel=kernel, bandwidth=h)
    gradient = np.einsum("mn,mnp->mp", weights, problem.y[None] - mean[:, None])
    assert np.abs(gradient).max() <= TIGHT * np.abs(problem.y).max()


@given(problems(), st.sampled_from(SMOOTH + COMPACT), moderate)
def test_leave_one_out_in_closed_form(problem, kernel, h):
    x, y = problem.x, problem.y
    stats = vc.local_stats(x, x, y, kernel=kernel, bandwidth=h, statistics=("mean", "self_weight"))
    share = stats.self_weight
    keep = 1 - share >= 0.01
    assume(keep.any())
    hollow = vc.local_mean(x, x, y, kernel=kernel, bandwidth=h, exclude_self=True)
    closed = (stats.mean - share[:, None] * y)[keep] / (1 - share[keep])[:, None]
    # Dividing by 1 − S ≥ 0.01 multiplies the rounding of the closed form by up to 100.
    allowed = TIGHT * np.abs(y).max() / (1 - share[keep]).min()
    assert np.abs(hollow[keep] - closed).max() <= allowed


EIGHTH_ORDER = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


@given(problems(grids=(False,)), st.floats(0.5, 3))
def test_gaussian_mean_shift_is_the_gradient_of_the_log_density(problem, h):
    """m(q) − q = h² ∇ log p̂(q), by central differences of order 8: to 1e-9."""
    q, x = problem.q[:1] * 0.1, problem.x * 0.1
    shift = vc.local_mean(q, x, x, bandwidth=h) - q
    step, gradient = 0.01 * h, np.zeros_like(q)
    for axis in range(q.shape[1]):
        for k, c in EIGHTH_ORDER.items():
            ends = np.repeat(q, 2, axis=0)
            ends[:, axis] += [k * step, -k * step]
            up, down = vc.local_stats(ends, x, bandwidth=h).log_mass
            gradient[0, axis] += c * (up - down) / step
    assert np.abs(shift - h * h * gradient).max() <= 1e-9 * (1 + np.abs(shift).max())


@given(problems(grids=(False,)), st.floats(1, 4))
def test_epanechnikov_is_the_shadow_of_the_flat_kernel(problem, h):
    """The flat mean shift is h²/2 · ∇p̂ / p̂ with p̂ of Epanechnikov and of the flat kernel."""
    q, x, step = problem.q[:1], problem.x, 1e-4
    distance = np.sqrt(((q - x) ** 2).sum(1))
    assume(not ((distance < h + 2 * step) & (distance > h - 2 * step)).any())
    flat = vc.local_stats(q, x, x, kernel="uniform", bandwidth=h, statistics=("mean", "log_mass"))
    assume(flat.empty_rows == 0)
    gradient = np.zeros_like(q)
    for axis in range(q.shape[1]):
        ends = np.repeat(q, 2, axis=0)
        ends[:, axis] += [step, -step]
        mass = np.exp(vc.local_stats(ends, x, kernel="epanechnikov", bandwidth=h).log_mass)
        gradient[0, axis] = (mass[0] - mass[1]) / (2 * step)
    expected = h * h / 2 * gradient / np.exp(flat.log_mass)
    assert np.abs(flat.mean - q - expected).max() <= 1e-9


@given(problems(), moderate)
def test_attention_is_a_gaussian_mean_with_prior_weights(problem, temperature):
    q, x, y = problem.q, problem.x, problem.y
    prior = (x * x).sum(1) / (2 * temperature)
    softmax = vc.local_mean(q, x, y, kernel="softmax", bandwidth=temperature)
    gaussian = vc.local_mean(q, x, y, bandwidth=np.sqrt(temperature), log_weights=prior)
    # Exponents reach |s|: their rounding is |s| · eps on every weight.
    exponent = max(1.0, np.abs(q @ x.T).max() / temperature, prior.max())
    assert np.abs(softmax - gaussian).max() <= TIGHT * exponent * np.abs(y).max()


@given(problems(grids=(False,)), st.floats(0.2, 5))
def test_hopfield_energy_never_increases(problem, beta):
    """E(ξ) = −β⁻¹ log Σ exp(β x·ξ) + ½‖ξ‖² under ξ ← m(ξ), up to 4 ulp of its terms.

    E is taken in long double: in double its own rounding, that of Σ x ξ, is larger than the steps
    near a fixed point. That log_mass is this log Σ exp is for other tests.
    """
    x, state = problem.x, problem.q

    def energy(point):
        scores = beta * (point.astype(np.longdouble) @ x.astype(np.longdouble).T)
        peak = scores.max(axis=1)
        mass = (peak + np.log(np.exp(scores - peak[:, None]).sum(axis=1))) / beta
        square = 0.5 * (point.astype(np.longdouble) ** 2).sum(1)
        return square - mass, np.spacing(np.maximum(np.abs(mass), square).astype(np.float64))

    before, _ = energy(state)
    for _ in range(5):
        state = vc.local_mean(state, x, x, kernel="softmax", bandwidth=1 / beta)
        after, ulp = energy(state)
        assert (after <= before + 4 * ulp).all()
        before = after


@given(problems(), st.data())
def test_takagi_sugeno_is_a_product_of_memberships(problem, data):
    """Rules of order 0: Gaussian memberships multiplied = one Gaussian with a width per feature."""
    d = problem.x.shape[1]
    widths_ = np.array(data.draw(st.lists(st.floats(0.5, 5), min_size=d, max_size=d)))
    memberships = [vc.kernels.Gaussian(bandwidth=w, columns=[j]) for j, w in enumerate(widths_)]
    rules = vc.local_mean(problem.q, problem.x, problem.y, kernel=vc.kernels.Product(*memberships))
    gaussian = vc.local_mean(problem.q, problem.x, problem.y, bandwidth=widths_)
    exponent = 1 + (((problem.q[:, None] - problem.x[None]) / widths_) ** 2).sum(-1).max()
    assert np.abs(rules - gaussian).max() <= TIGHT * exponent * np.abs(problem.y).max()


@given(problems(most=400), st.sampled_from((*SMOOTH, *COMPACT, "softmax")), moderate, st.data())
def test_partial_states_merge(problem, kernel, h, data):
    q, x, y = problem.q, problem.x, problem.y
    cut = data.draw(st.integers(0, len(x)))
    options = {"kernel": kernel, "bandwidth": h}
    whole = vc.local_stats(q, x, y, **options)
    statistics = ("mean", "log_mass", "ess", "count")
    parts = [vc.LocalMeanAccumulator(q, statistics=statistics, **options) for _ in range(2)]
    parts[0].update(x[:cut], y[:cut])
    parts[1].update(x[cut:], y[cut:], key_offset=cut)
    merged = parts[0].merge(parts[1]).result()
    some = whole.count > 0
    assert np.array_equal(merged.count, whole.count)
    assert np.abs(merged.mean[some] - whole.mean[some]).max(initial=0) <= TIGHT * np.abs(y).max()
    scale = TIGHT * np.abs(whole.log_mass[some]).max(initial=1)
    assert np.abs(merged.log_mass[some] - whole.log_mass[some]).max(initial=0) <= scale


@given(problems(), st.sampled_from(SMOOTH), widths, widths)
def test_rows_are_stochastic_and_so_are_their_products(problem, kernel, h1, h2):
    x = problem.x
    first = vc.local_weights(problem.q, x, kernel=kernel, bandwidth=h1)
    second = vc.local_weights(x, x, kernel=kernel, bandwidth=h2)
    assert (first >= 0).all()
    assert np.abs(first.sum(1) - 1).max() <= TIGHT
    assert np.abs((first @ second).sum(1) - 1).max() <= TIGHT


@given(
    problems(BOTH), st.sampled_from((*SMOOTH, *COMPACT, "softmax")), widths, st.floats(-1e6, 1e6)
)
def test_constants_and_bounds(problem, kernel, h, constant):
    """A constant stays; the mean lies between the extremes: within 8 ulp of the largest value."""
    q, x, y = problem.q, problem.x, problem.y
    flat = np.full(len(x), constant, x.dtype)
    got = vc.local_mean(q, x, flat, kernel=kernel, bandwidth=h)
    some = ~np.isnan(got)
    assert np.abs(got[some] - flat[0]).max(initial=0) <= 8 * np.spacing(np.abs(flat[0]))
    mean, slack = (
        vc.local_mean(q, x, y, kernel=kernel, bandwidth=h)[some],
        8 * np.spacing(abs(y).max()),
    )
    assert (mean >= y.min(0) - slack).all()
    assert (mean <= y.max(0) + slack).all()


@given(problems(BOTH), st.sampled_from((*SMOOTH, *COMPACT)))
def test_wide_kernels_give_the_weighted_mean(problem, kernel):
    q, x, y = problem.q, problem.x, problem.y
    prior = problem.rng.uniform(0.1, 2, len(x)).astype(x.dtype)
    expected = np.average(y.astype(float), axis=0, weights=prior.astype(float))
    got = vc.local_mean(q, x, y, kernel=kernel, bandwidth=1e20, weights=prior)
    tolerance = {np.dtype("f4"): 1e-5, np.dtype("f8"): TIGHT}[x.dtype] * np.abs(y).max()
    assert np.abs(got - expected).max() <= tolerance


@given(problems(BOTH, grids=(True,)), st.sampled_from(LIMITS), st.sampled_from([1e-3, 1e-9, 1e-30]))
def test_narrow_kernels_give_the_nearest_neighbors(problem, kernel, h):
    """Ties of computed distances are averaged; on a grid they are exact."""
    q, x, y = problem.q, problem.x, problem.y
    distance = ((q[:, None].astype(float) - x[None].astype(float)) ** 2).sum(-1)
    nearest = distance == distance.min(1, keepdims=True)
    expected = nearest @ y.astype(float) / nearest.sum(1, keepdims=True)
    got = vc.local_mean(q, x, y, kernel=kernel, bandwidth=h)
    tolerance = {np.dtype("f4"): 1e-5, np.dtype("f8"): TIGHT}[x.dtype] * np.abs(y).max()
    assert np.abs(got - expected).max() <= tolerance


@given(problems(BOTH), st.sampled_from((*SMOOTH, *COMPACT, "softmax")), moderate)
def test_a_duplicated_key_equals_weight_two(problem, kernel, h):
    q, x, y = problem.q, problem.x, problem.y
    twice = np.concatenate([np.ones(len(x) - 1), [2.0]]).astype(x.dtype)
    weighted = vc.local_mean(q, x, y, kernel=kernel, bandwidth=h, weights=twice)
    doubled = vc.local_mean(
        q, np.vstack([x, x[-1:]]), np.vstack([y, y[-1:]]), kernel=kernel, bandwidth=h
    )
    tolerance = {np.dtype("f4"): 1e-5, np.dtype("f8"): TIGHT}[x.dtype] * np.abs(y).max()
    assert np.array_equal(np.isnan(weighted), np.isnan(doubled))
    assert np.nanmax(np.abs(weighted - doubled), initial=0) <= tolerance


@given(
    problems(BOTH, grids=(True,)),
    st.sampled_from((*SMOOTH, *COMPACT)),
    st.integers(-1000, 1000),
    st.integers(-30, 30),
)
def test_exact_shifts_and_scalings_change_nothing(problem, kernel, shift, power):
    """Shifts of q and x together, scalings of (q, x, h) together, where both are exact."""
    q, x, y = problem.q, problem.x, problem.y
    base = vc.local_mean(q, x, y, kernel=kernel, bandwidth=2.0)
    factor = x.dtype.type(2.0**power)
    scaled = vc.local_mean(q * factor, x * factor, y, kernel=kernel, bandwidth=2.0 * float(factor))
    moved = vc.local_mean(q + shift, x + shift, y, kernel=kernel, bandwidth=2.0)
    tolerance = {np.dtype("f4"): 1e-5, np.dtype("f8"): TIGHT}[x.dtype] * np.abs(y).max()
    for other in (scaled, moved):
        assert np.array_equal(np.isnan(base), np.isnan(other))
        assert np.nanmax(np.abs(base - other), initial=0) <= tolerance
