"""Estimators on the local-mean primitives, each importable from here and loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classification import LocalMeanClassifier as LocalMeanClassifier
    from .density import KernelDensity as KernelDensity
    from .lle import LocallyLinearEmbedding as LocallyLinearEmbedding
    from .regression import LocalMeanRegressor as LocalMeanRegressor

# The one table of models: name -> module. Lazy import and `vicinal.load` both read it.
_MODULES = {
    "KernelDensity": "density",
    "LocalMeanClassifier": "classification",
    "LocalMeanRegressor": "regression",
    "LocallyLinearEmbedding": "lle",
}

__all__ = [
    "KernelDensity",
    "LocalMeanClassifier",
    "LocalMeanRegressor",
    "LocallyLinearEmbedding",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
