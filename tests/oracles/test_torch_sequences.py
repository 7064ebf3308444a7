"""vicinal.torch.attention of sequences laid end to end, and derivatives that it has not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vicinal as vc
from vicinal.torch import PerKey, PerQuery, attention, local_mean

OFFSETS = [0, 7, 7, 12]  # one of the sequences is empty
H = np.linspace(0.5, 2.0, 12)


@pytest.fixture
def heads():
    torch.manual_seed(20261122)
    return torch.randn(3, 2, 12, 4, dtype=torch.float64)


def arrays(heads):
    return [part.detach().numpy() for part in heads]


OPTIONS = {
    "bandwidth of queries": ({"bandwidth": PerQuery(torch.tensor(H))}, vc.bandwidth.PerQuery(H)),
    "bandwidth of heads": (
        {"bandwidth": PerQuery(torch.ones(2, 1))},
        vc.bandwidth.PerQuery(np.ones((2, 1))),
    ),
    "bandwidth of keys": (
        {"bandwidth": PerKey(torch.tensor(H)), "kernel": "laplace"},
        vc.bandwidth.PerKey(H),
    ),
    "numbers without a gradient": ({"bandwidth": vc.bandwidth.PerQuery(H)}, None),
    "more neighbors than keys": ({"neighbors": vc.KNearest(6)}, None),
    "a bias by a function": (
        {"bias": lambda rows, columns: -0.1 * (rows[:, None] - columns)},
        None,
    ),
    "a window": ({"causal": True, "alibi_slopes": [0.1, 0.2]}, None),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_bits_are_those_of_arrays(heads, name):
    options, bandwidth = OPTIONS[name]
    got = attention(*heads, query_offsets=OFFSETS, **options)
    plain = options if bandwidth is None else options | {"bandwidth": bandwidth}
    assert np.array_equal(got, vc.attention(*arrays(heads), query_offsets=OFFSETS, **plain))


def test_bandwidths_of_sequences_have_gradients(heads):
    h = torch.tensor(H, requires_grad=True)

    def mean(h):
        return attention(*heads, query_offsets=OFFSETS, bandwidth=PerQuery(h))

    assert torch.autograd.gradcheck(mean, [h])


def test_no_sequence(heads):
    q, k, v = (part[:, :0].clone().requires_grad_() for part in heads)
    assert attention(q, k, v, query_offsets=[0]).shape == (2, 0, 4)
    attention(q, k, v, query_offsets=[0, 0]).sum().backward()
    assert q.grad is not None


def test_gradients_take_time_by_tokens_not_by_sequences():
    """Were each gradient as long as all tokens, 512 sequences would move 800 MB."""
    q, k, v = (torch.randn(8, 8192, 8, requires_grad=True) for _ in range(3))
    with torch.autograd.profiler.profile() as profile:
        attention(q, k, v, query_offsets=range(0, 8193, 16)).sum().backward()
    slices = [event for event in profile.function_events if "SliceBackward" in event.name]
    assert slices == []


def test_shared_heads_are_named():
    q, k, v = torch.zeros(4, 5, 2), torch.zeros(2, 5, 2), torch.zeros(2, 5, 2)
    with pytest.raises(ValueError, match=r"reshape queries to \(\.\.\., 2, 2, m, d\)"):
        attention(q, k, v)
    with pytest.raises(ValueError, match=r"queries must be .*points, features.* got shape .2,"):
        attention(q[0, 0], k, v)
    with pytest.raises(TypeError, match="keys must be a tensor, got NoneType"):
        attention(q, None, v)


@pytest.mark.parametrize("name", ["scale", "softcap"])
def test_numbers_lose_no_gradient(heads, name):
    number = torch.tensor(0.5)
    assert torch.equal(attention(*heads, **{name: number}), attention(*heads, **{name: 0.5}))
    with pytest.raises(TypeError, match=f"{name} requires grad"):
        attention(*heads, **{name: number.requires_grad_()})


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is:DeprecationWarning")
def test_forward_mode_is_refused(heads):
    """Torch itself would give tangents of 0."""
    q, k, v = heads
    with pytest.raises(NotImplementedError, match="keys carries a forward-mode tangent"):
        torch.func.jvp(lambda k: attention(q, k, v), (k,), (k,))
    one = torch.tensor(1.0)
    with pytest.raises(NotImplementedError, match="bandwidth carries"):
        torch.func.jvp(lambda h: local_mean(q, k, v, bandwidth=h), (one,), (one,))


def test_second_derivatives_are_refused(heads):
    q, k, v = heads
    q = q.requires_grad_()
    (first,) = torch.autograd.grad(attention(q, k, v).sum(), q, create_graph=True)
    with pytest.raises(NotImplementedError, match="have no gradient themselves"):
        first.sum().backward()
