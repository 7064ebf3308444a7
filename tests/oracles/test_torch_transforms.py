"""vicinal.torch under torch.func: what a transform returns is what the items alone return."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call, grad, hessian, jacrev, jvp, vmap

from vicinal.bandwidth import PerKey as ConstantPerKey
from vicinal.torch import LocalMean, PerKey, attention, local_mean

CLOSE = {"rtol": 1e-12, "atol": 1e-13}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(20260521)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture
def tensors():
    """Return queries, keys, values, a bandwidth, log-weights, a bias and a mask of one item."""
    mask = torch.rand(3, 5) < 0.8
    q, x, y = normal(2, 3, 4), normal(5, 4), normal(2, 5, 2)
    return [q, x, y, torch.tensor(1.3, dtype=torch.float64), normal(5), normal(3, 5), mask]


def mean(q, x, y, h, logs, bias, mask=None):
    return local_mean(q, x, y, bandwidth=h, log_weights=logs, bias=bias, mask=mask, empty="zero")


def square(*given):
    return mean(*given).square().sum()


def by_formula(q, x, y, h, logs, bias, mask):
    square = (q[..., None, :] - x).square().sum(-1)
    score = -square / (2 * h * h) + logs + bias
    return score.masked_fill(~mask, -torch.inf).softmax(-1) @ y


def test_grad_is_that_of_backward(tensors):
    leaves = [tensor.clone().requires_grad_() for tensor in tensors[:6]]
    square(*leaves, tensors[6]).backward()
    found = grad(square, argnums=tuple(range(6)))(*tensors)
    for one, leaf in zip(found, leaves, strict=True):
        assert torch.equal(one, leaf.grad)


def test_jacobian(tensors):
    found = jacrev(mean, argnums=tuple(range(6)))(*tensors)
    expected = jacrev(by_formula, argnums=tuple(range(6)))(*tensors)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


BATCHED = ((0,), (1,), (2,), (3,), (4,), (5, 6), (0, 1, 2), (0, 3), (0, 1, 2, 3, 4, 5, 6))


@pytest.mark.parametrize("batched", BATCHED, ids=str)
def test_vmap(tensors, batched):
    """Means and gradients, wherever the batch stands among the dimensions."""
    given, axes = list(tensors), [None] * 7
    for i in batched:
        axes[i] = -1 if i % 2 else 0
        items = [~tensors[6] if i == 6 else tensors[i] * scale for scale in (1.0, 1.5, 0.5)]
        given[i] = torch.stack(items, axes[i])
    gradient = grad(square, argnums=tuple(range(6)))
    means = vmap(mean, tuple(axes))(*given)
    gradients = vmap(gradient, tuple(axes))(*given)
    for item in range(3):
        own = [
            tensor if axis is None else tensor.select(axis, item)
            for tensor, axis in zip(given, axes, strict=True)
        ]
        assert torch.equal(means[item], mean(*own))
        for one, every in zip(gradient(*own), gradients, strict=True):
            torch.testing.assert_close(every[item], one, **CLOSE)


def test_vmap_of_one_value_and_constants():
    """Values without columns; a batch comes before the dimensions of what is no tensor."""
    x, queries = normal(5, 4), normal(6, 3, 4)
    numbers = torch.rand(2, 5, dtype=torch.float64) + 0.5
    for h in (ConstantPerKey(numbers.numpy()), PerKey(numbers)):

        def of(q, h=h):
            return local_mean(q, x, x[:, 0], bandwidth=h)

        assert torch.equal(vmap(of)(queries), torch.stack([of(q) for q in queries]))
    slopes = [0.5, 0.25]

    def head(q):
        return attention(q, x, x, alibi_slopes=slopes, causal=True)

    assert torch.equal(vmap(head)(queries), torch.stack([head(q) for q in queries]))


def test_two_batches():
    q, x, y = normal(2, 3, 4), normal(4, 5, 4), normal(5, 2)
    pairs = vmap(vmap(local_mean, (None, 0, None)), (0, None, None))
    found = pairs(q, x, y)
    for i in range(2):
        for j in range(4):
            assert torch.equal(found[i, j], local_mean(q[i], x[j], y))


def test_gradients_of_every_example():
    """What per-example clipping needs: the gradient of a layer by its parameters, item by item."""
    layer = LocalMean(keys=normal(6, 2), values=normal(6), learn=("bandwidth", "values"))
    parameters = {name: tensor.detach() for name, tensor in layer.named_parameters()}
    queries, targets = normal(4, 1, 2), normal(4, 1)

    def loss(numbers, q, target):
        out = functional_call(layer, {**numbers, "keys": layer.keys}, (q,))
        return (out - target).square().sum()

    found = vmap(grad(loss), (None, 0, 0))(parameters, queries, targets)
    for item, (q, target) in enumerate(zip(queries, targets, strict=True)):
        for name, one in grad(loss)(parameters, q, target).items():
            torch.testing.assert_close(found[name][item], one, **CLOSE)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # by torch itself
def test_no_second_derivative(tensors):
    q, *rest = tensors
    with pytest.raises(NotImplementedError, match=r"gradients of vicinal\.torch have no gradient"):
        grad(lambda q: grad(square)(q, *rest).sum())(q)
    leaf = q.clone().requires_grad_()
    (first,) = torch.autograd.grad(square(leaf, *rest), leaf, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"gradients of vicinal\.torch have no gradient"):
        first.sum().backward()
    for transform in (hessian(square), lambda *given: jvp(square, given, given)):
        with pytest.raises(NotImplementedError, match="forward-mode tangent"):
            transform(q, *rest[:5])


def test_shapes_alone(tensors):
    """Fake tensors go by the operator."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        for tensor in tensors[:6]:
            tensor.requires_grad_()
        given = [mode.from_tensor(tensor) for tensor in tensors]
        out = mean(*given)
        assert out.shape == (2, 3, 2)
        (gradient,) = torch.autograd.grad(out.sum(), given[1])
        assert gradient.shape == (5, 4)
