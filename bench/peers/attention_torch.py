"""torch's scaled_dot_product_attention under rules, forward or with autograd."""

from .contender import Contender, Missing, Unsuited
from .torch_matmul import torch


def _tensors(problem, threads):
    if torch is None:
        raise Missing("pip install torch")
    if problem.kernel != "softmax":
        raise Unsuited("only softmax")
    torch.set_num_threads(threads)
    arrays = (problem.queries, problem.keys, problem.values)
    tensors = tuple(torch.from_numpy(a) for a in arrays)
    if problem.grad is None:
        return tensors, None
    return tuple(t.requires_grad_() for t in tensors), torch.from_numpy(problem.grad)


def is_causal(problem):
    return problem.blocks is None and problem.before is None and problem.after == 0


def _options(problem, form):
    """Return the keywords of the form that suits the rule."""
    if problem.all_pairs or is_causal(problem):
        if form != "flash":
            raise Unsuited("needs no mask")
        return {"is_causal": not problem.all_pairs}
    if form == "flash":
        raise Unsuited("needs a mask")
    kept = torch.from_numpy(problem.kept(range(problem.queries.shape[-2])))
    if form == "bool":
        return {"attn_mask": kept}
    bias = torch.zeros(kept.shape, dtype=torch.from_numpy(problem.keys).dtype)
    return {"attn_mask": bias.masked_fill_(~kept, float("-inf"))}


def _form(form):
    def prepare(problem, threads):
        (q, k, v), grad = _tensors(problem, threads)
        options = _options(problem, form)
        attend = torch.nn.functional.scaled_dot_product_attention

        def forward():
            with torch.inference_mode():
                return attend(q, k, v, scale=1 / problem.bandwidth, **options).numpy()

        def both():
            out = attend(q, k, v, scale=1 / problem.bandwidth, **options)
            gradients = torch.autograd.grad(out, (q, k, v), grad)
            return out.detach().numpy(), *(g.numpy() for g in gradients)

        return forward if grad is None else both

    return prepare


_NAMES = {"flash": "torch SDPA", "bool": "torch SDPA, mask", "float": "torch SDPA, bias"}
TORCH_ATTENTION = [Contender(name, _form(form), "torch SDPA") for form, name in _NAMES.items()]
