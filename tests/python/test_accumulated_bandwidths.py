"""Bandwidths of keys and queries in an accumulator, against dense formulas in float64."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import vicinal as vc
from adaptive_cases import PROFILES, N, check
from set_cases import distances
from vicinal.bandwidth import Abramson, KthNeighbor, PerKey, Perplexity, PerQuery

X = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize("kernel", PROFILES)
def test_pieces_have_bandwidths_of_their_own(kernel, rng, dtype):
    q, x = rng.normal(size=(2, N, 3)).astype(dtype)
    y = rng.normal(size=(N, 2)).astype(dtype)
    h = rng.uniform(0.5, 3.0, N).astype(dtype)
    weights, u = rng.random(N).astype(dtype), distances(q, x)
    atol = 1e-12 if dtype == np.float64 else 2e-5
    names = ("mean", "log_mass", "count")
    cuts = (slice(0, 70), slice(70, 71), slice(71, N))
    by_key = [vc.LocalMeanAccumulator(q, kernel=kernel, statistics=names) for _ in cuts]
    by_query = vc.LocalMeanAccumulator(q, kernel=kernel, bandwidth=PerQuery(h), statistics=names)
    for i, cut in enumerate(cuts):
        arguments = {"weights": weights[cut], "key_offset": cut.start}
        by_key[i].update(x[cut], y[cut], bandwidth=PerKey(h[cut]), **arguments)
        by_query.update(x[cut], y[cut], bias=lambda r, c: 0.0 * (r[:, None] + c), **arguments)
    h = h.astype(float)
    w = PROFILES[kernel](u / h) * weights
    check(pickle.loads(pickle.dumps(vc.partial.merge_all(by_key))).result(), w, y, atol)
    w = PROFILES[kernel](u / h[:, None]) * weights
    check(pickle.loads(pickle.dumps(by_query)).result(), w, y, atol)


REFUSED = [
    (
        ValueError,
        "comes with the keys",
        lambda: vc.LocalMeanAccumulator(X, bandwidth=PerKey(np.ones(4))),
    ),
    *(
        (
            ValueError,
            "needs all keys at once",
            lambda rule=rule: vc.LocalMeanAccumulator(X, bandwidth=rule),
        )
        for rule in (KthNeighbor(2), Perplexity(2), Abramson(1.0))
    ),
    (
        ValueError,
        "given twice",
        lambda: vc.LocalMeanAccumulator(X, bandwidth=1.0).update(
            X, X, bandwidth=PerKey(np.ones(4))
        ),
    ),
    (
        ValueError,
        "given twice",
        lambda: vc.LocalMeanAccumulator(X, bandwidth=PerQuery(np.ones(4))).update(
            X, X, bandwidth=PerKey(np.ones(4))
        ),
    ),
    (
        ValueError,
        "one per key, got shape",
        lambda: vc.LocalMeanAccumulator(X).update(X, X, bandwidth=PerKey(np.ones(3))),
    ),
    (
        ValueError,
        "one per query, got shape",
        lambda: vc.LocalMeanAccumulator(X, bandwidth=PerQuery(np.ones(3))).update(X, X),
    ),
    (
        ValueError,
        "in units of 1",
        lambda: vc.LocalMeanAccumulator(X).update(X, X, bandwidth=PerKey(np.ones(4), unit=2.0)),
    ),
    (
        TypeError,
        "must be PerKey, got float",
        lambda: vc.LocalMeanAccumulator(X).update(X, X, bandwidth=2.0),
    ),
    (
        ValueError,
        "same bandwidths of queries",
        lambda: vc.LocalMeanAccumulator(X, bandwidth=PerQuery(np.ones(4))).merge(
            vc.LocalMeanAccumulator(X, bandwidth=PerQuery(2 * np.ones(4)))
        ),
    ),
]


@pytest.mark.parametrize(("kind", "message", "call"), REFUSED)
def test_what_does_not_fit_is_refused(kind, message, call):
    with pytest.raises(kind, match=message):
        call()
