"""The contenders. `prepare(problem, threads)` does what is done once, returns what is timed."""

from .attention_torch import TORCH_ATTENTION
from .attention_vicinal import VICINAL_ATTENTION
from .contender import Contender, Missing, Unsuited
from .diffusion import TORCH_DIFFUSION, VICINAL_DIFFUSION
from .embedding import SKLEARN_EMBEDDING, VICINAL_EMBEDDING
from .encoder import TORCH_ENCODER, VICINAL_ENCODER
from .gradients_keops import KEOPS_GRADIENTS, TORCH_GRADIENTS
from .kde_kdepy import KDEPY_DENSITY
from .kde_mlpack import MLPACK_DENSITY
from .kde_sklearn import SKLEARN_DENSITY
from .kde_vicinal import VICINAL_DENSITY, VICINAL_INDEXED_DENSITY
from .keops import KEOPS, KEOPS_DENSITY
from .knn_all import APPROXIMATE, BUILT_INSIDE, ONE_BY_ONE, PASSES, TREES, VICINAL_SEARCH
from .lists_scipy import SCIPY_LISTS
from .lists_torch import TORCH_LISTS
from .lists_vicinal import VICINAL_LISTS
from .matrix_product import FLOPS, PRODUCTS
from .mean_shift import (
    MLPACK_CLUSTERS,
    SKLEARN_CLUSTERS,
    SKLEARN_CLUSTERS_ALONE,
    VICINAL_CLUSTERS,
)
from .non_local_means import OPENCV_PICTURE, SKIMAGE_PICTURE, VICINAL_PICTURE
from .numpy_chunks import NUMPY
from .radius_sklearn import SKLEARN_RADIUS
from .rules import SIMPFUL_RULES, SKFUZZY_RULES, VICINAL_MAMDANI, VICINAL_RULES
from .sklearn_chunks import SCIKIT_LEARN
from .torch_matmul import TORCH_MATMUL
from .torch_sdpa import SDPA
from .vicinal_engine import VICINAL, VICINAL_INDEXED

PEERS = [*SDPA, TORCH_MATMUL, NUMPY, KEOPS, SCIKIT_LEARN]

__all__ = [
    "APPROXIMATE",
    "BUILT_INSIDE",
    "FLOPS",
    "KDEPY_DENSITY",
    "KEOPS",
    "KEOPS_DENSITY",
    "KEOPS_GRADIENTS",
    "MLPACK_CLUSTERS",
    "MLPACK_DENSITY",
    "NUMPY",
    "ONE_BY_ONE",
    "OPENCV_PICTURE",
    "PASSES",
    "PEERS",
    "PRODUCTS",
    "SCIKIT_LEARN",
    "SCIPY_LISTS",
    "SDPA",
    "SIMPFUL_RULES",
    "SKFUZZY_RULES",
    "SKIMAGE_PICTURE",
    "SKLEARN_CLUSTERS",
    "SKLEARN_CLUSTERS_ALONE",
    "SKLEARN_DENSITY",
    "SKLEARN_EMBEDDING",
    "SKLEARN_RADIUS",
    "TORCH_ATTENTION",
    "TORCH_DIFFUSION",
    "TORCH_ENCODER",
    "TORCH_GRADIENTS",
    "TORCH_LISTS",
    "TORCH_MATMUL",
    "TREES",
    "VICINAL",
    "VICINAL_ATTENTION",
    "VICINAL_CLUSTERS",
    "VICINAL_DENSITY",
    "VICINAL_DIFFUSION",
    "VICINAL_EMBEDDING",
    "VICINAL_ENCODER",
    "VICINAL_INDEXED",
    "VICINAL_INDEXED_DENSITY",
    "VICINAL_LISTS",
    "VICINAL_MAMDANI",
    "VICINAL_PICTURE",
    "VICINAL_RULES",
    "VICINAL_SEARCH",
    "Contender",
    "Missing",
    "Unsuited",
]
