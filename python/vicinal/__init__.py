"""Exact local means: kernel regression, density, attention on every core.

The local mean of a query q is ``Σ w y / Σ w`` over keys x with values y, where the weight
``w = K(q, x)`` comes from a kernel of `vicinal.kernels`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vicinal._core import __version__

if TYPE_CHECKING:
    from vicinal import bandwidth, bias, kernels, linear, models, partial, plotting
    from vicinal import dask as dask  # no names of `import *`, which must not need them
    from vicinal import jax as jax
    from vicinal import torch as torch
    from vicinal.affine import lle_weights
    from vicinal.attend import attention
    from vicinal.config import get_cmake_dir, get_include, show_config
    from vicinal.density_gradients import density_hessian_product, density_score
    from vicinal.engine import local_mean, local_weights
    from vicinal.errors import LocalizationWarning
    from vicinal.fits import local_fit
    from vicinal.gradients import LocalMeanGradient, local_mean_vjp
    from vicinal.graph import Graph
    from vicinal.key_cache import KeyCache
    from vicinal.key_index import KeyIndex
    from vicinal.neighbor_sets import KNearest, NeighborSet, Radius
    from vicinal.neighbors import Neighbors, knn, radius_neighbors
    from vicinal.partial import LocalMeanAccumulator
    from vicinal.persistence import load
    from vicinal.results import LocalFit, LocalStats
    from vicinal.row_sets import BlockMask, Grid, Segments, Window
    from vicinal.stats import local_stats
    from vicinal.threads import get_num_threads, set_num_threads

__all__ = [
    "BlockMask",
    "Graph",
    "Grid",
    "KNearest",
    "KeyCache",
    "KeyIndex",
    "LocalFit",
    "LocalMeanAccumulator",
    "LocalMeanGradient",
    "LocalStats",
    "LocalizationWarning",
    "NeighborSet",
    "Neighbors",
    "Radius",
    "Segments",
    "Window",
    "__version__",
    "attention",
    "bandwidth",
    "bias",
    "density_hessian_product",
    "density_score",
    "get_cmake_dir",
    "get_include",
    "get_num_threads",
    "kernels",
    "knn",
    "linear",
    "lle_weights",
    "load",
    "local_fit",
    "local_mean",
    "local_mean_vjp",
    "local_stats",
    "local_weights",
    "models",
    "partial",
    "plotting",
    "radius_neighbors",
    "set_num_threads",
    "show_config",
]

_HOMES = {
    "BlockMask": "row_sets",
    "Graph": "graph",
    "Grid": "row_sets",
    "KNearest": "neighbor_sets",
    "KeyCache": "key_cache",
    "KeyIndex": "key_index",
    "LocalFit": "results",
    "LocalMeanAccumulator": "partial",
    "LocalMeanGradient": "gradients",
    "LocalStats": "results",
    "LocalizationWarning": "errors",
    "NeighborSet": "neighbor_sets",
    "Neighbors": "neighbors",
    "Radius": "neighbor_sets",
    "Segments": "row_sets",
    "Window": "row_sets",
    "attention": "attend",
    "density_hessian_product": "density_gradients",
    "density_score": "density_gradients",
    "get_cmake_dir": "config",
    "get_include": "config",
    "get_num_threads": "threads",
    "knn": "neighbors",
    "lle_weights": "affine",
    "load": "persistence",
    "local_fit": "fits",
    "local_mean": "engine",
    "local_mean_vjp": "gradients",
    "local_stats": "stats",
    "local_weights": "engine",
    "radius_neighbors": "neighbors",
    "set_num_threads": "threads",
    "show_config": "config",
}
_MODULES = (
    *("bandwidth", "bias", "dask", "jax", "kernels", "linear", "models", "partial", "plotting"),
    "torch",
)


def __getattr__(name: str) -> Any:
    # Everything loads on first use, so that `import vicinal` costs little more than numpy.
    if name in _MODULES:
        return import_module(f"vicinal.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'vicinal' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"vicinal.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
