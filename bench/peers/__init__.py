"""The contenders. `prepare(problem, threads)` does what is done once, returns what is timed."""

from .contender import Contender, Missing, Unsuited
from .keops import KEOPS
from .matrix_product import FLOPS, PRODUCTS
from .numpy_chunks import NUMPY
from .sklearn_chunks import SCIKIT_LEARN
from .torch_matmul import TORCH_MATMUL
from .torch_sdpa import SDPA
from .vicinal_engine import VICINAL

PEERS = [*SDPA, TORCH_MATMUL, NUMPY, KEOPS, SCIKIT_LEARN]

__all__ = [
    "FLOPS",
    "KEOPS",
    "NUMPY",
    "PEERS",
    "PRODUCTS",
    "SCIKIT_LEARN",
    "SDPA",
    "TORCH_MATMUL",
    "VICINAL",
    "Contender",
    "Missing",
    "Unsuited",
]
