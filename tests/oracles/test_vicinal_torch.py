"""vicinal.torch: torch's own checks of operators and gradients, and its attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.library import opcheck
from torch.nn.functional import scaled_dot_product_attention

import vicinal as vc
from vicinal.models import Level
from vicinal.torch import (
    HierarchicalLocalModel,
    LocalAttention,
    LocalMean,
    PerKey,
    PerQuery,
    attention,
    local_mean,
)
from vicinal.torch_op import Options, local_mean_op


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(20260521)


def normal(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def positive(*shape):
    return (torch.rand(shape, dtype=torch.float64) + 0.5).requires_grad_()


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "softmax", "cauchy", "biweight"])
def test_gradcheck(kernel):
    """By all six tensors at once, over a batch that some of them lack."""
    inputs = [normal(2, 3, 4), normal(5, 4), normal(2, 5, 2), positive()]
    inputs += [normal(5), normal(3, 5)]

    def mean(q, x, y, h, logs, bias):
        h = 5 * h if kernel == "biweight" else h
        return local_mean(q, x, y, kernel=kernel, bandwidth=h, log_weights=logs, bias=bias)

    assert gradcheck(mean, inputs)


@pytest.mark.parametrize("of", ["features", "keys", "keys and features", "queries"])
def test_gradcheck_of_bandwidths(of):
    makes = {
        "features": (positive(4), lambda h: h),
        "keys": (positive(5), PerKey),
        "keys and features": (positive(5, 4), lambda h: PerKey(h, per_feature=True)),
        "queries": (positive(2, 1), PerQuery),
    }
    numbers, wrap = makes[of]
    inputs = normal(2, 3, 4), normal(5, 4), normal(5, 2)[None].detach().requires_grad_(), numbers
    assert gradcheck(lambda q, x, y, h: local_mean(q, x, y, bandwidth=wrap(h)), inputs)


def test_gradcheck_of_weights():
    weights = torch.tensor([1.0, 0.5, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    q, x, y = normal(3, 2), normal(4, 2), normal(4)
    local_mean(q, x, y, weights=weights).sum().backward()
    assert weights.grad[2] == 0
    present = torch.tensor([0, 1, 3])
    inputs = q, x[present].detach(), y[present].detach(), weights[present].detach().requires_grad_()
    assert gradcheck(lambda q, x, y, w: local_mean(q, x, y, weights=w), inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype):
    options = Options({"kernel": "softmax", "empty": "zero"})
    points = (
        normal(2, 3, 4, dtype=dtype),
        normal(2, 5, 4, dtype=dtype),
        normal(2, 5, 2, dtype=dtype),
    )
    bandwidth = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    logs, bias = normal(2, 5, dtype=dtype), normal(3, 5, dtype=dtype)
    opcheck(local_mean_op, (*points, bandwidth, logs, bias, None, None, options.number))
    mask = torch.rand(3, 5) < 0.7
    one_value = points[2][..., 0].detach()
    given = points[0].detach(), points[1].detach(), one_value
    opcheck(
        local_mean_op, (*given, None, None, None, torch.ones(5, dtype=dtype), mask, options.number)
    )


def test_bits_are_those_of_the_primitive():
    q, x, y = (normal(7, 3, dtype=torch.float32) for _ in range(3))
    arrays = [t.detach().numpy() for t in (q, x, y)]
    got = local_mean(q, x, y, kernel="laplace", neighbors=vc.KNearest(3)).detach().numpy()
    expected = vc.local_mean(*arrays, kernel="laplace", neighbors=vc.KNearest(3))
    assert got.tobytes() == expected.tobytes()
    with torch.no_grad():  # where no log mass is kept
        got = local_mean(q, x, y, kernel="laplace", neighbors=vc.KNearest(3)).numpy()
    assert got.tobytes() == expected.tobytes()


def test_types():
    x = torch.arange(6.0).reshape(3, 2)
    assert local_mean(x, x, x.double()).dtype == torch.float64
    assert local_mean(x.half(), x.half(), x.half()).dtype == torch.float32
    assert local_mean(x.bfloat16(), x.bfloat16(), x.bfloat16()).dtype == torch.float32
    half = x.half().requires_grad_()
    local_mean(half, x, x).sum().backward()
    assert half.grad.dtype == torch.float16


def test_missing_values_leave_their_own_column():
    rng = torch.Generator().manual_seed(0)
    q, x, y = (
        torch.randn(size, generator=rng, dtype=torch.float64).requires_grad_()
        for size in ((4, 2), (9, 2), (9, 3))
    )
    holes = torch.zeros(9, 3, dtype=torch.bool)
    holes[2, 0] = holes[5, 0] = holes[5, 1] = True
    spoiled = y.masked_fill(holes, torch.nan)
    local_mean(q, x, spoiled, nan_policy="omit").square().sum().backward()
    found = [tensor.grad for tensor in (q, x, y)]
    for tensor in (q, x, y):
        tensor.grad = None
    weights = torch.exp(-torch.cdist(q, x).square() / 2)[..., None] * ~holes
    mean = (weights * y).sum(1) / weights.sum(1)
    mean.square().sum().backward()
    for one, tensor in zip(found, (q, x, y), strict=True):
        torch.testing.assert_close(one, tensor.grad, rtol=1e-9, atol=1e-12)


def test_refusals():
    x = torch.zeros(3, 2)
    with pytest.raises(TypeError, match="queries must be a tensor, got ndarray"):
        local_mean(x.numpy(), x, x)
    with pytest.raises(TypeError, match=r"queries is torch\.complex64"):
        local_mean(x.to(torch.complex64), x, x)
    with pytest.raises(ValueError, match="2 features and keys have 1"):
        local_mean(x, x[:, :1], x)
    with pytest.raises(ValueError, match="values hold 1 NaN"):
        local_mean(x, x, torch.tensor([0.0, torch.nan, 1.0]), nan_policy="raise")
    with pytest.raises(ValueError, match="drop one"):
        local_mean(x, x, x, weights=x[:, 0], log_weights=x[:, 0])
    with pytest.raises(ValueError, match="at least 0"):
        local_mean(x, x, x, weights=(x[:, 0] - 1).requires_grad_())


@pytest.mark.parametrize(
    ("shapes", "options", "error", "message"),
    [
        (((3, 0), (4, 0)), {}, ValueError, "queries has shape .* without any feature"),
        (((3,), (4, 2)), {}, ValueError, "queries must be .* x.None. .one point."),
        (((1, 6, 3, 2), (1, 2, 4, 2)), {}, ValueError, "queries have 6 heads and keys have 2"),
        (((3, 2), (4, 2)), {"query_offsets": [0, 3]}, ValueError, "key_offsets=None takes those"),
        (
            ((3, 2), (4, 2)),
            {"scale": torch.ones((), requires_grad=True)},
            TypeError,
            r"bandwidth=.1/scale",
        ),
    ],
)
def test_attention_refuses(shapes, options, error, message):
    q, k = (torch.zeros(shape) for shape in shapes)
    with pytest.raises(error, match=message):
        attention(q, k, torch.zeros(*k.shape[:-1], 1), **options)
    with pytest.raises(TypeError, match="keys must be a tensor, got NoneType"):
        attention(torch.zeros(3, 2), None, None)


class Elsewhere(torch.Tensor):
    """A tensor that says it is on another device."""

    @property
    def device(self):
        return torch.device("cuda", 0)


def test_devices():
    x = torch.zeros(3, 2)
    with pytest.raises(TypeError, match=r"keys is on cuda:0, .* move it with \.cpu\(\)"):
        local_mean(x, x.as_subclass(Elsewhere), x)
    shapes = torch.empty(3, 2, device="meta")
    assert local_mean(shapes, shapes, shapes).shape == (3, 2)


def test_masked_rows_have_no_gradient():
    q, x, y = normal(3, 2), normal(4, 2), normal(4, 2)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    out = attention(q, x, y, mask=mask)
    out.sum().backward()
    assert (out[1] == 0).all()
    assert (q.grad[1] == 0).all()
    assert all(t.grad.isfinite().all() for t in (q, x, y))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled():
    layer = LocalMean("laplace", keys=torch.randn(6, 2), values=torch.randn(6))
    queries = torch.randn(4, 2)
    compiled = torch.compile(layer, backend="aot_eager")
    assert torch.equal(compiled(queries), layer(queries))


def worst(got, expected):
    return (got.double() - expected).abs().max()


@pytest.mark.parametrize("causal", [False, True])
def test_attention_as_torch(causal):
    """Within twice torch's own float32 error (three times for gradients) plus 4 ulp."""
    wide = [normal(2, 3, 33, 16) for _ in range(3)]
    narrow = [[t.detach().float().requires_grad_() for t in wide] for _ in range(2)]
    grad = torch.randn(2, 3, 33, 16, dtype=torch.float64)
    exact = scaled_dot_product_attention(*wide, is_causal=causal)
    exact.backward(grad)
    ours = attention(*narrow[0], causal=causal)
    theirs = scaled_dot_product_attention(*narrow[1], is_causal=causal)
    for out in (ours, theirs):
        out.backward(grad.float())
    ulp = np.finfo("f4").eps
    allowed = 2 * worst(theirs, exact) + 4 * ulp * exact.abs().max()
    assert worst(ours, exact) <= allowed
    for mine, other, true in zip(*narrow, wide, strict=True):
        allowed = 3 * worst(other.grad, true.grad) + 4 * ulp * true.grad.abs().max()
        assert worst(mine.grad, true.grad) <= allowed


def test_attention_options():
    """ALiBi, softcap, bias and log mass by their formula."""
    q, k, v = (normal(2, 3, 6, 8) for _ in range(3))
    slopes = torch.tensor([0.5, 0.25, 0.125], dtype=torch.float64)
    bias = normal(3, 6, 6)
    options = {"causal": True, "alibi_slopes": slopes, "softcap": 2.0, "bias": bias}
    out, log_mass = attention(q, k, v, return_log_mass=True, **options)
    at = torch.arange(6)
    logits = 2 * torch.tanh(q @ k.mT / 8**0.5 / 2) + bias
    logits = logits - slopes[:, None, None] * (at - at[:, None]).abs()
    logits = logits.masked_fill(at > at[:, None], -torch.inf)
    torch.testing.assert_close(out, logits.softmax(-1) @ v, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(log_mass, logits.logsumexp(-1), rtol=1e-12, atol=1e-13)
    options |= {"return_log_mass": True}
    assert gradcheck(lambda *t: attention(*t[:3], **{**options, "bias": t[3]}), (q, k, v, bias))
    (q_grad,) = torch.autograd.grad(attention(q, k, v, **options)[1].sum(), q)
    torch.testing.assert_close(
        q_grad, torch.autograd.grad(logits.logsumexp(-1).sum(), q)[0], rtol=1e-11, atol=1e-12
    )


def test_sequences_end_to_end():
    q, k, v, bias = normal(3, 6, 8), normal(3, 9, 8), normal(3, 9, 4), normal(6, 9)
    offsets = {"query_offsets": [0, 2, 6], "key_offsets": [0, 4, 9]}
    got = attention(q, k, v, bias=bias, causal=True, **offsets)
    spans = ((slice(0, 2), slice(0, 4)), (slice(2, 6), slice(4, 9)))
    parts = [attention(q[:, r], k[:, c], v[:, c], bias=bias[r, c], causal=True) for r, c in spans]
    assert torch.equal(got, torch.cat(parts, -2))
    with pytest.raises(ValueError, match="need query_offsets"):
        attention(q, k, v, key_offsets=[0, 4, 9])


@pytest.mark.parametrize("kernel", ["softmax", "laplace"])
def test_layer_is_that_of_arrays(kernel):
    layer = LocalAttention(8, 4, n_kv_heads=2, kernel=kernel, causal=True).double()
    x = normal(3, 5, 8)
    maps = {
        "query": layer.queries,
        "key": layer.keys,
        "value": layer.values,
        "output": layer.output,
    }
    weights = {f"{name}_weight": part.weight.detach().numpy() for name, part in maps.items()}
    biases = {f"{name}_bias": part.bias.detach().numpy() for name, part in maps.items()}
    options = {"n_heads": 4, "n_kv_heads": 2, "kernel": kernel, "causal": True}
    arrays = vc.models.LocalAttention(**weights, **biases, **options)
    expected = arrays(x.detach().numpy())
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12, atol=1e-13)


def test_layers_learn():
    x = torch.randn(80, 2)
    layer = LocalMean(keys=x, values=torch.sin(3 * x[:, 0]), learn=("bandwidth", "values"))
    heads = LocalAttention(2, 2, bandwidth=1.0)
    parameters = [*layer.parameters(), *heads.parameters()]
    before = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = ((layer(x, exclude_self=True) + heads(x).sum(-1) - x.sum(-1)) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert all((p != b).any() for p, b in zip(parameters, before, strict=True))
    again = LocalMean(keys=x, values=x[:, 0], learn=("bandwidth", "values"))
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again(x), layer(x))


def test_hierarchy_is_that_of_arrays():
    x, y, queries = (normal(n, 3).detach() for n in (40, 40, 7))
    levels = [
        Level(bandwidth=0.7, step=0.5),
        Level("laplace", 0.5, map=np.tanh),
        Level(bandwidth=0.4),
    ]
    arrays = vc.models.HierarchicalLocalModel(levels).fit(x.numpy(), y.numpy())
    levels[1] = Level("laplace", 0.5, map=torch.tanh)
    model = HierarchicalLocalModel(levels, x, y)
    close = {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(model(queries).detach(), arrays.predict(queries.numpy()), **close)
    np.testing.assert_allclose(model().detach(), arrays.loo_predict(), **close)
    np.testing.assert_allclose(model.transform().detach(), arrays.keys_, **close)


def test_hierarchy_end_to_end():
    """The gradient reaches every map and bandwidth, through rows and keys alike."""
    x, y = normal(12, 3).detach(), normal(12).detach()
    maps = [torch.nn.Linear(3, 2).double(), torch.nn.Linear(2, 2).double()]
    levels = [Level(map=maps[0]), Level(map=maps[1], step=0.5), Level()]
    model = HierarchicalLocalModel(levels, x, y)
    parameters = dict(model.named_parameters())
    assert len(parameters) == 3 + 4

    def loss(*numbers):
        given = dict(zip(parameters, numbers, strict=True))
        return torch.func.functional_call(model, given, ())

    assert gradcheck(loss, [p.detach().clone().requires_grad_() for p in parameters.values()])


def test_refused_levels():
    x = torch.zeros(4, 2)
    for level, words in (
        (Level(values="targets"), "values must be 'rows'"),
        (Level(bandwidth="loo"), "learned from a number"),
        (Level(map=vc.models.MetricLearner()), "module or a function"),
    ):
        with pytest.raises(ValueError, match=f"level 1: .*{words}"):
            HierarchicalLocalModel([level, Level()], x, x)


def test_refused_layers():
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        LocalMean(bandwidth=0.0)
    with pytest.raises(ValueError, match="does not keep"):
        LocalMean(learn=("keys",))
    with pytest.raises(ValueError, match="keeps no keys"):
        LocalMean()(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="must divide width=6"):
        LocalAttention(6, 4)
