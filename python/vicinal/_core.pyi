"""The compiled engine; the package validates before it calls, the engine again after."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

_Array = np.ndarray[Any, np.dtype[Any]]
_Progress = Callable[[float], object]

__version__: str
compiler: str
openmp: bool
few_keys: int  # kernels that leave keys out meet more keys than these through a tree …
few_features: int  # … of at most so many features

def isa() -> str: ...
def available_isas() -> list[str]: ...
def max_threads() -> int: ...

class _Bound(type):  # pybind11's metaclass
    ...

@final
class Table(metaclass=_Bound):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...  # made by `tabulate` alone
    @property
    def error(self) -> float: ...
    @property
    def is_signed(self) -> bool: ...
    @property
    def pieces(self) -> int: ...

@final
class Kernel(metaclass=_Bound):
    def __init__(self, terms: Sequence[tuple[float, Sequence[dict[str, Any]]]]) -> None: ...
    @property
    def is_searchable(self) -> bool: ...

@final
class KeyIndex(metaclass=_Bound):
    def __init__(self, keys: _Array, metric: Kernel, num_threads: int = 0) -> None: ...
    @property
    def order(self) -> _Array: ...
    def knn(
        self,
        queries: _Array,
        distances: _Array,
        indices: _Array,
        *,
        self_indices: _Array | None = None,
        exclude_self: bool = False,
        num_threads: int = 0,
        progress: _Progress | None = None,
    ) -> dict[str, int]: ...
    def kth_distances(
        self,
        queries: _Array,
        mass: float,
        *,
        weights: _Array | None = None,
        distances: _Array,
        num_threads: int = 0,
        progress: _Progress | None = None,
    ) -> dict[str, int]: ...
    def radius_neighbors(
        self,
        queries: _Array,
        radius: float,
        *,
        self_indices: _Array | None = None,
        exclude_self: bool = False,
        num_threads: int = 0,
        progress: _Progress | None = None,
    ) -> tuple[_Array, _Array, _Array]: ...

@final
class NeighborSet(metaclass=_Bound):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...  # made by the methods below alone
    @property
    def finds_by_distance(self) -> bool: ...
    @staticmethod
    def nearest(k: int) -> NeighborSet: ...
    @staticmethod
    def radius(radius: float) -> NeighborSet: ...
    @staticmethod
    def window(before: float, after: float, offset: int) -> NeighborSet: ...
    @staticmethod
    def column_window(column: int, before: float, after: float) -> NeighborSet: ...
    @staticmethod
    def grid(shape: Sequence[int], reach: Sequence[int]) -> NeighborSet: ...
    @staticmethod
    def segments(
        query_offsets: _Array,
        key_offsets: _Array,
        before: float,
        after: float,
        offset: int,
        at_end: bool,
    ) -> NeighborSet: ...
    @staticmethod
    def blocks(mask: _Array, block: int) -> NeighborSet: ...
    @staticmethod
    def graph(
        indptr: _Array,
        indices: _Array,
        edges: _Array | None,
        data: str,
        negative: bool | None,
    ) -> NeighborSet: ...
    @staticmethod
    def both(a: NeighborSet, b: NeighborSet) -> NeighborSet: ...
    @staticmethod
    def either(a: NeighborSet, b: NeighborSet) -> NeighborSet: ...

@final
class State(metaclass=_Bound):
    def __init__(
        self,
        dtype: str,
        kernel: Kernel,
        queries: _Array,
        p: int,
        statistics: Sequence[str],
        k: int = 0,
        exclude_self: bool = False,
    ) -> None: ...
    def update(
        self,
        keys: _Array,
        values: _Array | None = None,
        *,
        weights: _Array | None = None,
        log_weights: _Array | None = None,
        bias: _Array | None = None,
        mask: _Array | None = None,
        self_indices: _Array | None = None,
        key_bandwidths: _Array | None = None,
        query_bandwidths: _Array | None = None,
        neighbors: NeighborSet | None = None,
        query_offset: int = 0,
        key_offset: int = 0,
        num_threads: int = 0,
        progress: _Progress | None = None,
    ) -> None: ...
    def merge(self, other: State) -> None: ...
    def finish(
        self, outputs: dict[str, _Array], empty: str = "nan", empty_value: float = ...
    ) -> dict[str, int]: ...
    def __getstate__(self) -> Any: ...
    def __setstate__(self, state: Any) -> None: ...

@final
class Linear(metaclass=_Bound):
    def __init__(self, weight: _Array, bias: _Array | None = None) -> None: ...
    def run(
        self,
        x: _Array,
        out: _Array,
        *,
        activation: int = 0,
        residual: _Array | None = None,
        num_threads: int = 0,
    ) -> None: ...

def layer_norm(
    x: _Array,
    gain: _Array | None,
    bias: _Array | None,
    epsilon: float,
    out: _Array,
    *,
    num_threads: int = 0,
) -> None: ...

@final
class MeanShiftMemory(metaclass=_Bound):
    def __init__(self) -> None: ...
    @property
    def walked(self) -> int: ...
    @property
    def pairs_visited(self) -> int: ...
    def __getstate__(self) -> tuple[()]: ...
    def __setstate__(self, arg0: tuple[()], /) -> None: ...

def mean_shift(
    kernel: Kernel,
    seeds: _Array,
    keys: _Array,
    *,
    outputs: dict[str, _Array],
    alpha: float = 1.0,
    tol: float,
    max_iter: int,
    mass_tol: float = 0.0,
    weights: _Array | None = None,
    log_weights: _Array | None = None,
    key_bandwidths: _Array | None = None,
    index: KeyIndex | None = None,
    modes: _Array | None = None,
    capture_radius: float = 0.0,
    num_threads: int = 0,
    callback: Callable[[int, float, int], object] | None = None,
    memory: MeanShiftMemory | None = None,
) -> dict[str, int]: ...
def run(
    kernel: Kernel,
    queries: _Array,
    keys: _Array,
    values: _Array | None,
    *,
    weights: _Array | None = None,
    log_weights: _Array | None = None,
    bias: _Array | None = None,
    mask: _Array | None = None,
    self_indices: _Array | None = None,
    exclude_self: bool = False,
    outputs: dict[str, _Array],
    k: int = 0,
    normalize: bool = True,
    index: KeyIndex | None = None,
    neighbors: NeighborSet | None = None,
    query_offset: int = 0,
    lists: bool = False,
    key_bandwidths: _Array | None = None,
    query_bandwidths: _Array | None = None,
    tol: float = 0.0,
    empty: str = "nan",
    empty_value: float = ...,
    num_threads: int = 0,
    progress: _Progress | None = None,
    pages: tuple[_Array, _Array, _Array, int] | None = None,
) -> dict[str, Any]: ...
def gradient(
    kernel: Kernel,
    queries: _Array,
    keys: _Array,
    values: _Array,
    gradient: _Array,
    *,
    outputs: dict[str, _Array],
    mean: _Array | None = None,
    log_mass: _Array | None = None,
    log_mass_gradient: _Array | None = None,
    weights: _Array | None = None,
    log_weights: _Array | None = None,
    bias: _Array | None = None,
    mask: _Array | None = None,
    self_indices: _Array | None = None,
    exclude_self: bool = False,
    key_bandwidths: _Array | None = None,
    query_bandwidths: _Array | None = None,
    neighbors: NeighborSet | None = None,
    query_offset: int = 0,
    tol: float = 0.0,
    num_threads: int = 0,
    progress: _Progress | None = None,
) -> None: ...
def run_each(
    kernels: Sequence[Kernel],
    queries: _Array,
    keys: _Array,
    values: _Array | None,
    *,
    weights: _Array | None = None,
    self_indices: _Array | None = None,
    exclude_self: bool = False,
    outputs: Sequence[dict[str, _Array]],
    index: KeyIndex | None = None,
    neighbors: NeighborSet | None = None,
    tol: float = 0.0,
    empty: str = "nan",
    empty_value: float = ...,
    num_threads: int = 0,
    progress: _Progress | None = None,
) -> list[dict[str, int]]: ...
def affine_weights(
    queries: _Array,
    keys: _Array,
    neighbors: _Array,
    weights: _Array,
    *,
    reg: float,
    ridge: str = "trace",
    num_threads: int = 0,
) -> None: ...
def affine_lists(
    queries: _Array,
    keys: _Array,
    indptr: _Array,
    indices: _Array,
    weights: _Array,
    *,
    reg: float,
    ridge: str = "trace",
    num_threads: int = 0,
) -> None: ...
def fit_lists(
    given: dict[str, _Array],
    fits: dict[str, _Array],
    *,
    degree: int,
    family: str = "gaussian",
    level: float = 0.5,
    ridge: float = 0.0,
    num_threads: int = 0,
) -> int: ...
def fit_moments(
    moments: dict[str, _Array],
    fits: dict[str, _Array],
    *,
    ridge: float = 0.0,
    num_threads: int = 0,
) -> int: ...
def tabulate(
    fn: Callable[[_Array], Any],
    support: float,
    breakpoints: Sequence[float],
    log: bool,
    tolerance: float,
) -> Table: ...
def exp2(array: _Array) -> _Array: ...
def scores(kernel: Kernel, queries: _Array, keys: _Array) -> _Array: ...
def non_local_means(
    image: _Array,
    out: _Array,
    *,
    guide: _Array | None = None,
    gaussian: bool = False,
    patch_size: int,
    patch_distance: int,
    h: float,
    sigma: float = 0.0,
    spatial_width: float = ...,
    mask: _Array | None = None,
    omit_missing: bool = False,
    num_threads: int = 0,
    progress: _Progress | None = None,
) -> int: ...
def hopfield(
    update: Callable[[_Array, _Array], None],
    queries: _Array,
    *,
    states: _Array,
    iterations: _Array,
    residuals: _Array,
    tol: float,
    max_iter: int,
    callback: Callable[[int, float, _Array], bool] | None = None,
) -> None: ...
def label_propagation(
    labels: _Array,
    shares: _Array,
    *,
    graph: NeighborSet | None = None,
    means: Callable[[_Array, _Array], None] | None = None,
    masses: _Array | None = None,
    alpha: float | None = None,
    balanced: bool = True,
    symmetric: bool = False,
    solver: str = "auto",
    tol: float = 1e-4,
    max_iter: int = 1000,
    num_threads: int = 0,
    callback: Callable[[int, float, _Array], bool] | None = None,
) -> tuple[int, float]: ...
def rule_sums(
    steps: _Array,
    registers: int,
    norm: int,
    degrees: _Array,
    offsets: _Array,
    columns: _Array,
    weights: _Array,
    out: _Array,
    *,
    maximum: bool = False,
    num_threads: int = 0,
) -> None: ...
