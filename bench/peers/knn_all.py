"""The searches by what is timed of them."""

from . import (
    knn_faiss,
    knn_hnswlib,
    knn_mlpack,
    knn_nndescent,
    knn_scipy,
    knn_sklearn,
    knn_vicinal,
)
from .contender import WHOLE
from .knn_forms import built_before, built_inside, one_by_one

_VICINAL = ("vicinal", knn_vicinal.build, "vicinal")
_SCIPY = ("scipy cKDTree", knn_scipy.build, "scipy")
_SKLEARN_TREE = ("scikit-learn tree", knn_sklearn.tree, "scikit-learn")

VICINAL_SEARCH = built_before(*_VICINAL, WHOLE)
TREES = [
    built_before(*_SCIPY),
    built_before(*_SKLEARN_TREE),
    built_before("mlpack, dual tree", knn_mlpack.dual_tree, "mlpack", 5.0),
    built_before("mlpack, single tree", knn_mlpack.single_tree, "mlpack"),
]
PASSES = [
    built_before("faiss IndexFlatL2", knn_faiss.build, "faiss"),
    built_before("scikit-learn brute", knn_sklearn.brute, "scikit-learn"),
]
APPROXIMATE = [
    built_before("hnswlib (approximate)", knn_hnswlib.build, "hnswlib"),
    built_before("pynndescent (approximate)", knn_nndescent.build, "pynndescent"),
]
BUILT_INSIDE = [built_inside(*named, WHOLE) for named in (_VICINAL, _SCIPY, _SKLEARN_TREE)]
ONE_BY_ONE = [one_by_one(*named) for named in (_VICINAL, _SCIPY)]
