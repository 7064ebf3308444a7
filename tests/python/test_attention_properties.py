"""Attention of any sizes and options against its formula; NaN stays where it is; memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import vicinal as vc
from attention_cases import alibi, heads, plain_attention, window

SIZES = st.tuples(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 8, 17]), st.integers(1, 5)
)
REACHES = st.one_of(st.none(), st.integers(0, 12))


@settings(max_examples=80)
@given(
    SIZES,
    st.sampled_from([(), (2,), (2, 3)]),
    st.one_of(st.none(), st.tuples(REACHES, REACHES)),
    st.sampled_from([0, -2, 5, "end"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 0.5, 3.0]),
    st.integers(0, 2**32 - 1),
)
def test_formula(sizes, lead, reach, offset, causal, has_slopes, softcap, seed):
    (m, n, d, p), rng = sizes, np.random.default_rng(seed)
    q, k, v = heads(rng, np.float64, lead=lead, m=m, n=n, d=d, p=p)
    used = rng.random((*lead, m, n)) < 0.8
    options, meant = {"mask": used}, {"softcap": softcap}
    first = n - m if offset == "end" else offset
    if reach is not None:
        options["window"] = vc.Window(*reach, offset=offset)
        used = used & window(m, n, *reach, first)
    else:
        first = 0
    if causal:
        used = used & window(m, n, None, 0, first)
    if has_slopes:
        slopes = rng.random(lead[-1:])
        options["alibi_slopes"] = slopes
        meant["bias"] = alibi(slopes, m, n, first)
    out, log_mass = vc.attention(
        q, k, v, causal=causal, softcap=softcap, return_log_mass=True, **options
    )
    exact, mass = plain_attention(q, k, v, used=used, **meant)
    np.testing.assert_allclose(out, exact, atol=1e-12)
    np.testing.assert_allclose(log_mass, mass, atol=1e-12)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), min_size=1, max_size=5),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_sequences_see_themselves_alone(lengths, causal, seed):
    rng = np.random.default_rng(seed)
    rows, keys = (np.concatenate([[0], np.cumsum(column)]) for column in zip(*lengths, strict=True))
    q, k, v = heads(rng, np.float64, lead=(2,), m=rows[-1], n=keys[-1])
    place = [np.repeat(range(len(lengths)), column) for column in zip(*lengths, strict=True)]
    used = place[0][:, None] == place[1]
    if causal:
        start = rows[place[0]][:, None], keys[place[1]]
        used &= np.arange(keys[-1]) - start[1] <= np.arange(rows[-1])[:, None] - start[0]
    got = vc.attention(q, k, v, query_offsets=rows, key_offsets=keys, causal=causal)
    if keys[-1]:
        np.testing.assert_allclose(got, plain_attention(q, k, v, used=used)[0], atol=1e-12)
    else:
        assert not got.any()


def test_nan_reaches_the_rows_that_see_it(rng, dtype):
    q, k, v = heads(rng, dtype)
    clean = vc.attention(q, k, v, causal=True)
    for array in (k, v):
        dirty = array.copy()
        dirty[..., 20, :] = np.nan
        arrays = (q, dirty, v) if array is k else (q, k, dirty)
        got = vc.attention(*arrays, causal=True)
        assert np.isnan(got[..., 20:, :]).all()
        assert got[..., :20, :].tobytes() == clean[..., :20, :].tobytes()
        offsets = [0, 18, 30, 37]
        packed = (a[0, 0] for a in arrays)
        assert np.isnan(vc.attention(*packed, query_offsets=offsets)).any(1).nonzero()[
            0
        ].tolist() == [*range(18, 30)]
    asked = q.copy()
    asked[..., 4, 0] = np.nan
    got = vc.attention(asked, k, v, causal=True)
    assert np.isnan(got[..., 4, :]).all()
    assert np.delete(got, 4, -2).tobytes() == np.delete(clean, 4, -2).tobytes()


def test_what_lies_beyond_a_cached_sequence_is_not_read(rng):
    q, k, v = heads(rng, np.float64, m=1)
    k[0, :, 9:], v[0, :, 9:] = np.nan, np.nan
    cache = vc.KeyCache().append(k, v, lengths=[9, 37])
    got = vc.attention(q, cache=cache, causal=True)
    alone = vc.attention(q[0], k[0, :, :9], v[0, :, :9])
    assert got[0].tobytes() == alone.tobytes()
    assert np.isfinite(got).all()


def test_nothing_of_the_size_of_all_pairs(rng):
    q, k, v = heads(rng, np.float32, lead=(2,), m=3000, n=3000, d=4, p=4)
    options = {"alibi_slopes": np.array([0.1, 0.2]), "causal": True, "return_log_mass": True}
    tracemalloc.start()
    vc.attention(q, k, v, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20  # one head's pairs are 36 MB
