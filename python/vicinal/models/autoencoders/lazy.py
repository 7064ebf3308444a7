"""An autoencoder of two lazy maps."""

from __future__ import annotations

from typing import Any

from vicinal.models.autoencoders.paired import PairedMaps


class LazyAutoencoder(PairedMaps):
    r"""Encode and decode by local means of the pairs of rows and codes; nothing is trained.

    .. math:: z(x) = \frac{\sum_j K(x, x_j)\, z_j}{\sum_j K(x, x_j)}, \qquad
              \hat x(z) = \frac{\sum_j K(z, z_j)\, x_j}{\sum_j K(z, z_j)}

    Both maps are lazy: the answer for a row depends on the training pairs alone. A training row is
    near itself, which makes any narrow kernel look perfect; so bandwidths are chosen, and the model
    is judged, by the rows that are left out.

    Parameters
    ----------
    embedding : transformer, default=None
        What makes codes of the training rows (its `fit_transform`, on a clone) when `fit` is given
        none; None is `n_components` principal components.
    n_components : int, default=2
        Columns of the codes, if `embedding` is None.
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`, of both maps.
    bandwidth : str, rule or pair, default="loo"
        The name of a criterion, "loo" for instance, and a rule (`vicinal.bandwidth.KthNeighbor`,
        `Perplexity`) serve both maps; a pair is the encoder's, in units of `X`, and the decoder's,
        in units of the codes.
    metric : str or metric, default=None
        Who is near in `X`; None is the kernel's own. In codes it is the kernel's own.
    neighbors : NeighborSet, default=None
        Which pairs a row sees, as ``vicinal.KNearest(50)``; None is all.
    mass_tol : float, default=0.0
        At most this share of a row's mass is left out, see `vicinal.local_mean`; 0 is exact.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d)
        The training rows, float64.
    embedding_ : ndarray of shape (n, c)
        Their codes, float64.
    bandwidth_ : tuple
        The bandwidths in use, of the encoder and of the decoder.
    distortion_ : ndarray of shape (n,)
        How far each training row is from what the others return of it, in units of `X`; computed
        on first use.
    n_features_in_ : int
        Features seen by `fit`.
    feature_names_in_ : ndarray of str
        Their names, if `X` had some.

    See Also
    --------
    EmbeddingDistiller : The same from k neighbors, with drift and a comparison of embeddings.
    HierarchicalAutoencoder : Further levels that reconstruct what this one leaves.

    Notes
    -----
    A construction of this project; lazy maps are those of lazy learning (Atkeson, Moore & Schaal,
    1997). A row without a pair in the support of the kernel gets the code of the nearest.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LazyAutoencoder
    >>> t = np.linspace(0, 3, 200)
    >>> X = np.column_stack([np.cos(t), np.sin(t)])
    >>> model = LazyAutoencoder(bandwidth=(0.02, 0.02)).fit(X, t)
    >>> model.transform([[np.cos(1.1), np.sin(1.1)]]).round(2)
    array([[1.1]])
    >>> model.inverse_transform([[1.1]]).round(2)
    array([[0.45, 0.89]])
    >>> round(model.loo_score(), 3)
    1.0
    """

    def __init__(
        self,
        embedding: Any = None,
        *,
        n_components: int = 2,
        kernel: Any = "gaussian",
        bandwidth: Any = "loo",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        n_jobs: int | None = None,
    ) -> None:
        self.embedding = embedding
        self.n_components = n_components
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.n_jobs = n_jobs
