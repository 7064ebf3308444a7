"""Names of kernels: what a string stands for."""

from __future__ import annotations

from vicinal.errors import did_you_mean
from vicinal.kernels import category, compact, distance, dot
from vicinal.kernels.base import Kernel, ProfileKernel

__all__ = ["ALIASES", "NAMES", "as_kernel"]

NAMES: dict[str, type[ProfileKernel]] = {
    cls.profile: cls
    for cls in (
        distance.Gaussian,
        distance.Laplace,
        distance.Logistic,
        distance.Cauchy,
        distance.StudentT,
        distance.RationalQuadratic,
        distance.Matern,
        compact.Epanechnikov,
        compact.Biweight,
        compact.Triweight,
        compact.Tricube,
        compact.Triangular,
        compact.Cosine,
        compact.Uniform,
        compact.Wendland,
        distance.InverseDistance,
        distance.Constant,
        dot.Softmax,
        dot.VonMisesFisher,
        dot.Polynomial,
        dot.Sigmoid,
        category.WangVanRyzin,
    )
}
ALIASES = {
    "normal": "gaussian",
    "exponential": "laplace",
    "quartic": "biweight",
    "bisquare": "biweight",
    "linear": "triangular",
    "flat": "uniform",
    "tophat": "uniform",
    "boxcar": "uniform",
    "shepard": "inverse_distance",
}


def as_kernel(kernel: object) -> Kernel:
    """Return the kernel that a name stands for, or the kernel itself.

    Parameters
    ----------
    kernel : str or Kernel
        A name of the table in `vicinal.kernels`, or an object.

    Returns
    -------
    Kernel

    Raises
    ------
    ValueError
        For an unknown name, and for "rbf".
    TypeError
        For anything else.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.kernels.as_kernel("quartic")
    Biweight()
    """
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, type) and issubclass(kernel, Kernel):
        raise TypeError(
            f"kernel must be an object, got the class {kernel.__name__}; write {kernel.__name__}()"
        )
    if not isinstance(kernel, str):
        raise TypeError(
            f"kernel must be a name or an object of vicinal.kernels, got {type(kernel).__name__}; "
            "a function of u becomes one with vicinal.kernels.Custom(fn)"
        )
    cls = NAMES.get(ALIASES.get(kernel, kernel))
    if cls is not None:
        return cls()
    if kernel == "rbf":
        raise ValueError(
            'kernel "rbf" is refused, because its gamma is not a bandwidth: use "gaussian" with '
            "bandwidth = 1/√(2γ), that is (2 * gamma) ** -0.5"
        )
    if kernel == category.AitchisonAitken.profile:
        raise ValueError(
            f'kernel "{kernel}" needs its number of levels; write vicinal.kernels.'
            "AitchisonAitken(levels)"
        )
    names = ", ".join(sorted([*NAMES, *ALIASES]))
    hint = did_you_mean(kernel, [*NAMES, *ALIASES])
    raise ValueError(f"kernel must be one of {names}, or an object, got {kernel!r}{hint}")
