"""Progress and callable biases run on the calling thread; their exceptions reach the caller."""

from __future__ import annotations

import contextlib
import io
import threading
import time

import numpy as np
import pytest

import vicinal as vc


@pytest.fixture
def problem(rng):
    x = rng.normal(size=(20_000, 3)).astype(np.float32)
    return x, x, rng.normal(size=20_000).astype(np.float32)


def test_progress_is_called_by_the_calling_thread(problem):
    queries, keys, values = problem
    seconds = 0.0
    while seconds < 0.5:  # reports come every 20 ms, so a quick machine needs more work
        calls = []
        start = time.monotonic()
        got = vc.local_mean(
            queries,
            keys,
            values,
            progress=lambda f, calls=calls: calls.append((f, threading.get_ident())),
        )
        seconds = time.monotonic() - start
        assert got[:20_000].tobytes() == vc.local_mean(*problem).tobytes()
        fractions = [fraction for fraction, _ in calls]
        assert fractions == sorted(fractions)
        assert 0 <= fractions[0] <= fractions[-1] == 1
        assert {thread for _, thread in calls} == {threading.get_ident()}
        queries = np.concatenate([queries, queries])
    assert len(fractions) >= 3


def test_an_exception_in_progress_stops_the_call(problem):
    def stop(fraction):
        raise StopAsyncIteration(f"at {fraction}")

    with pytest.raises(StopAsyncIteration):
        vc.local_mean(*problem, progress=stop)
    assert np.isfinite(vc.local_mean(problem[0][:3], *problem[1:])).all()


def test_silent_by_default_and_loud_on_request(problem):
    quiet, loud = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(quiet), contextlib.redirect_stdout(quiet):
        vc.local_mean(*problem)
    with contextlib.redirect_stderr(loud):
        vc.local_mean(*problem, progress=True)
    assert quiet.getvalue() == ""
    assert "%" in loud.getvalue()


def test_a_callable_bias_runs_on_the_calling_thread_never_twice_at_once(rng):
    x = rng.normal(size=(2500, 2))
    table = rng.normal(size=(2500, 2500))
    inside, threads, seen = [], set(), np.zeros((2500, 2500), np.int8)

    def bias(rows, cols):
        assert not inside
        inside.append(1)
        threads.add(threading.get_ident())
        seen[np.ix_(rows, cols)] += 1
        inside.pop()
        return table[np.ix_(rows, cols)]

    got = vc.local_mean(x, x, x, bias=bias, num_threads=2)
    assert threads == {threading.get_ident()}
    assert (seen >= 1).all()
    np.testing.assert_allclose(got, vc.local_mean(x, x, x, bias=table), rtol=1e-12, atol=1e-13)


def test_an_exception_in_a_bias_in_the_middle(rng):
    x = rng.normal(size=(5000, 2))
    calls = []

    def bias(rows, cols):
        calls.append(1)
        if len(calls) == 3:
            raise ArithmeticError("third call")
        return np.zeros((len(rows), len(cols)))

    with pytest.raises(ArithmeticError, match="third call"):
        vc.local_mean(x, x, x, bias=bias)
    assert len(calls) == 3
