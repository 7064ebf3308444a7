"""Kernels: a profile of a scaled similarity, with its bandwidth, metric and columns.

With u = distance / bandwidth; names stand for the kernel with its default parameters:

==================================  ============================================================
name (also)                         weight
==================================  ============================================================
gaussian (normal)                   exp(−u²/2)
laplace (exponential)               exp(−u)
logistic                            1 / (eᵘ + 2 + e⁻ᵘ)
cauchy                              1 / (1 + u²)
student_t                           (1 + u²/ν)^(−(ν+1)/2), ν = 3
rational_quadratic                  (1 + u²/2α)^(−α), α = 1
matern                              (1 + v) exp(−v), v = √3 u (ν = 3⁄2; also ½, 5⁄2)
epanechnikov                        (1 − u²)₊
biweight (quartic, bisquare)        (1 − u²)²₊
triweight                           (1 − u²)³₊
tricube                             (1 − u³)³₊
triangular (linear)                 (1 − u)₊
cosine                              cos(πu/2) for u ≤ 1
uniform (flat, tophat, boxcar)      1 for u ≤ 1
wendland_c2                         (1 − u)⁴₊ (4u + 1)
inverse_distance (shepard)          u^(−power), power = 2
constant                            1
softmax                             exp(q·x/h), the bandwidth h is the temperature
von_mises_fisher                    exp(cos(q, x)/h)
polynomial                          (q·x/h + 1)²
sigmoid                             tanh(q·x/h)
wang_van_ryzin                      1 − h if equal, ½ (1 − h) h^|q − x| else
==================================  ============================================================

`AitchisonAitken`, `Product`, `Sum` and `Custom` are objects only. Metrics are "euclidean" (usual
for distances), "manhattan", "chebyshev", "haversine" (radians in and out), `GreatCircle`,
`Mahalanobis`, "cosine" (1 − cos) and, for dot-product kernels, "dot".
"""

from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.category import AitchisonAitken, WangVanRyzin
from vicinal.kernels.compact import (
    Biweight,
    Cosine,
    Epanechnikov,
    Triangular,
    Tricube,
    Triweight,
    Uniform,
    Wendland,
)
from vicinal.kernels.composite import Product, Sum
from vicinal.kernels.custom import Custom
from vicinal.kernels.distance import (
    Cauchy,
    Constant,
    Gaussian,
    InverseDistance,
    Laplace,
    Logistic,
    Matern,
    RationalQuadratic,
    StudentT,
)
from vicinal.kernels.dot import Polynomial, Sigmoid, Softmax, VonMisesFisher
from vicinal.kernels.metrics import GreatCircle, Mahalanobis
from vicinal.kernels.names import as_kernel

__all__ = [
    "AitchisonAitken",
    "Biweight",
    "Cauchy",
    "Constant",
    "Cosine",
    "Custom",
    "Epanechnikov",
    "Gaussian",
    "GreatCircle",
    "InverseDistance",
    "Kernel",
    "Laplace",
    "Logistic",
    "Mahalanobis",
    "Matern",
    "Polynomial",
    "Product",
    "ProfileKernel",
    "RationalQuadratic",
    "Sigmoid",
    "Softmax",
    "StudentT",
    "Sum",
    "Triangular",
    "Tricube",
    "Triweight",
    "Uniform",
    "VonMisesFisher",
    "WangVanRyzin",
    "Wendland",
    "as_kernel",
]
