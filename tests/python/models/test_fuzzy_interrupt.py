"""Ctrl-C stops a call over many rules, and the next call works."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

import vicinal as vc

mf = vc.models.fuzzy


@pytest.fixture
def _interruptible():
    """Take SIGINT, which a background job ignores, as Python does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="no signals to a thread on this system"
)
@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c():
    inputs = {f"x{j}": {f"t{t}": mf.Gauss(t, 2) for t in range(10)} for j in range(4)}
    table = np.stack(np.meshgrid(*[np.arange(10)] * 4, indexing="ij"), -1).reshape(-1, 4)
    model = vc.models.TakagiSugeno(inputs, ["y"], table, consequents=np.ones(len(table)))
    X = np.random.default_rng(0).uniform(0, 10, (1_000_000, 4))
    main = threading.main_thread().ident
    timer = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        model.infer(X)
    assert time.perf_counter() - started < 1.5  # the whole would take several seconds
    timer.join()
    np.testing.assert_allclose(model.infer(X[:5])["y"], 1, rtol=1e-12)
