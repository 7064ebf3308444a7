"""Estimators on the local-mean primitives, each importable from here and loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import fuzzy as fuzzy
    from .attention import LocalAttention as LocalAttention
    from .autoencoders.hierarchical import HierarchicalAutoencoder as HierarchicalAutoencoder
    from .autoencoders.lazy import LazyAutoencoder as LazyAutoencoder
    from .classification import LocalMeanClassifier as LocalMeanClassifier
    from .density import KernelDensity as KernelDensity
    from .diffusion.denoiser import Denoiser as Denoiser
    from .diffusion.noise import noise_levels as noise_levels
    from .embedding_distiller import EmbeddingDistiller as EmbeddingDistiller
    from .encoder_level import EncoderLevel as EncoderLevel
    from .estimated_bandwidth import estimate_bandwidth as estimate_bandwidth
    from .fits.gwr import GeographicallyWeightedRegressor as GeographicallyWeightedRegressor
    from .fits.local_pca import LocalPCA as LocalPCA
    from .fits.local_polynomial import LocalPolynomialRegressor as LocalPolynomialRegressor
    from .fuzzy.mamdani import Mamdani as Mamdani
    from .fuzzy.takagi_sugeno import TakagiSugeno as TakagiSugeno
    from .hierarchy import HierarchicalLocalModel as HierarchicalLocalModel
    from .images.bilateral import Bilateral as Bilateral
    from .images.noise import estimate_sigma as estimate_sigma
    from .images.non_local_means import NonLocalMeans as NonLocalMeans
    from .labeling.label_propagation import LabelPropagation as LabelPropagation
    from .labeling.linear_neighborhood import (
        LinearNeighborhoodPropagation as LinearNeighborhoodPropagation,
    )
    from .labeling.relaxation import RelaxationLabeling as RelaxationLabeling
    from .lazy.autoregressor import LocalAutoregressor as LocalAutoregressor
    from .lazy.iteration import LazyIteration as LazyIteration
    from .lazy.iteration import iterate_lazy_map as iterate_lazy_map
    from .lazy.self_local import SelfLocalRegressor as SelfLocalRegressor
    from .level import Level as Level
    from .lle import LocallyLinearEmbedding as LocallyLinearEmbedding
    from .localized.localized import Localized as Localized
    from .mean_shift import MeanShift as MeanShift
    from .memory.hopfield import Hopfield as Hopfield
    from .metric_learner import MetricLearner as MetricLearner
    from .multi_kernel import MultiKernelRegressor as MultiKernelRegressor
    from .quick_shift import QuickShift as QuickShift
    from .regression import LocalMeanRegressor as LocalMeanRegressor
    from .transformer import TransformerEncoder as TransformerEncoder

# The one table of models: name -> module. Lazy import and `vicinal.load` both read it.
MODELS = {
    "Denoiser": "diffusion.denoiser",
    "EmbeddingDistiller": "embedding_distiller",
    "GeographicallyWeightedRegressor": "fits.gwr",
    "HierarchicalAutoencoder": "autoencoders.hierarchical",
    "HierarchicalLocalModel": "hierarchy",
    "Hopfield": "memory.hopfield",
    "KernelDensity": "density",
    "LabelPropagation": "labeling.label_propagation",
    "LazyAutoencoder": "autoencoders.lazy",
    "LinearNeighborhoodPropagation": "labeling.linear_neighborhood",
    "LocalAutoregressor": "lazy.autoregressor",
    "LocalMeanClassifier": "classification",
    "LocalMeanRegressor": "regression",
    "LocalPCA": "fits.local_pca",
    "LocalPolynomialRegressor": "fits.local_polynomial",
    "Localized": "localized.localized",
    "LocallyLinearEmbedding": "lle",
    "Mamdani": "fuzzy.mamdani",
    "MeanShift": "mean_shift",
    "MetricLearner": "metric_learner",
    "MultiKernelRegressor": "multi_kernel",
    "QuickShift": "quick_shift",
    "SelfLocalRegressor": "lazy.self_local",
    "TakagiSugeno": "fuzzy.takagi_sugeno",
}
_OTHERS = {
    "LazyIteration": "lazy.iteration",
    "Level": "level",
    "RelaxationLabeling": "labeling.relaxation",
    "estimate_bandwidth": "estimated_bandwidth",
    "iterate_lazy_map": "lazy.iteration",
    "noise_levels": "diffusion.noise",
}
_NETWORKS = {
    "EncoderLevel": "encoder_level",
    "LocalAttention": "attention",
    "TransformerEncoder": "transformer",
}
_IMAGES = {
    "Bilateral": "images.bilateral",
    "NonLocalMeans": "images.non_local_means",
    "estimate_sigma": "images.noise",
}
_HOMES = MODELS | _OTHERS | _NETWORKS | _IMAGES
_PACKAGES = ("fuzzy",)

__all__ = [
    "Bilateral",
    "Denoiser",
    "EmbeddingDistiller",
    "EncoderLevel",
    "GeographicallyWeightedRegressor",
    "HierarchicalAutoencoder",
    "HierarchicalLocalModel",
    "Hopfield",
    "KernelDensity",
    "LabelPropagation",
    "LazyAutoencoder",
    "LazyIteration",
    "Level",
    "LinearNeighborhoodPropagation",
    "LocalAttention",
    "LocalAutoregressor",
    "LocalMeanClassifier",
    "LocalMeanRegressor",
    "LocalPCA",
    "LocalPolynomialRegressor",
    "Localized",
    "LocallyLinearEmbedding",
    "Mamdani",
    "MeanShift",
    "MetricLearner",
    "MultiKernelRegressor",
    "NonLocalMeans",
    "QuickShift",
    "RelaxationLabeling",
    "SelfLocalRegressor",
    "TakagiSugeno",
    "TransformerEncoder",
    "estimate_bandwidth",
    "estimate_sigma",
    "fuzzy",
    "iterate_lazy_map",
    "noise_levels",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
