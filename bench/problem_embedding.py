"""Manifolds to unroll by locally linear embedding, and how good an embedding is."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict, latent

NEIGHBORS = 12
ROWS_CHECKED = 2000  # whose neighbors are compared
SAME = ("standard", "modified", "ltsa")  # methods of which scikit-learn's is the published one
MOST_APART = 1e-5  # sine of an angle to scikit-learn's subspace


@dataclass(frozen=True)
class Manifold:
    """Contenders return the embedding, or the weights of the neighbors as a sparse matrix."""

    points: np.ndarray  # (n, d)
    method: str = "standard"
    components: int = 2
    weights_alone: bool = False
    compared: bool = True  # with scikit-learn's answer

    @property
    def d(self):
        return self.points.shape[1]

    @property
    def rows(self):
        return len(self.points)

    @property
    def pairs(self):
        return len(self.points) * NEIGHBORS

    @property
    def flops(self):
        """Count the Gram matrices of all points."""
        return 2 * self.d * NEIGHBORS * self.pairs

    def first(self, share):
        count = max(40 * NEIGHBORS, round(len(self.points) * share))
        return replace(self, points=self.points[:count])

    @property
    def answer_key(self):
        return id(self.points), self.method, self.weights_alone

    def expected(self):
        """Ask scikit-learn's code: for the weights, or for the embedding if it means the same."""
        from sklearn.manifold import LocallyLinearEmbedding
        from sklearn.manifold._locally_linear import barycenter_kneighbors_graph

        if self.weights_alone:
            return barycenter_kneighbors_graph(self.points, NEIGHBORS, n_jobs=-1)
        if not self.compared or self.method not in SAME:
            return None
        model = LocallyLinearEmbedding(n_jobs=-1, **self.options)
        return model.fit_transform(self.points)

    @property
    def options(self):
        """Name the model's parameters, for both."""
        return {
            "n_neighbors": NEIGHBORS,
            "n_components": self.components,
            "method": self.method,
            "eigen_solver": "arpack",
            "random_state": 0,
        }

    def judge(self, result, expected):
        if self.weights_alone:
            if result.shape != expected.shape:
                return Verdict(np.nan, "ok", "a part")
            apart = abs(result - expected).max()
            return Verdict(float(apart), "ok" if apart < 1e-6 else "wrong")
        result = np.asarray(result)
        kept = _trustworthiness(self.points, result)
        notes, right = [f"trust {kept:.3f}"], kept > 0.5
        if expected is not None and expected.shape == result.shape:
            apart = sine_between(result, expected)
            notes.append(f"angle {apart:.0e}")
            right &= apart <= MOST_APART
        if self.method == "standard":
            notes.append(f"residual {residual(self.points, result):.0e}")
        return Verdict(float(1 - kept), "ok" if right else "wrong", ", ".join(notes))


def _trustworthiness(points, embedding):
    from sklearn.manifold import trustworthiness

    some = np.random.default_rng(0).choice(
        len(points), min(ROWS_CHECKED, len(points)), replace=False
    )
    return trustworthiness(points[some], embedding[some], n_neighbors=NEIGHBORS)


def sine_between(a, b):
    """Return the sine of the largest principal angle between the spans of columns."""
    a, b = np.linalg.qr(a)[0], np.linalg.qr(b)[0]
    return float(np.linalg.norm(b - a @ (a.T @ b), 2))


def residual(points, embedding):
    """Return the largest ‖My − λy‖ of the unit columns y, M by scikit-learn's weights."""
    from scipy.sparse import eye_array
    from sklearn.manifold._locally_linear import barycenter_kneighbors_graph

    weights = barycenter_kneighbors_graph(points, NEIGHBORS, reg=1e-3, n_jobs=-1)
    lost = eye_array(len(points), format="csr") - weights
    y = embedding / np.linalg.norm(embedding, axis=0)
    images = lost.T @ (lost @ y)
    return float(np.linalg.norm(images - y * np.sum(y * images, axis=0), axis=0).max())


def swiss_roll(n, seed=0, **options):
    from sklearn.datasets import make_swiss_roll

    return Manifold(make_swiss_roll(n, random_state=seed)[0], **options)


def latent_cloud(n, d, **options):
    """Data of eight hidden dimensions."""
    return Manifold(latent(n, d, 1, dtype="float64").keys, **options)
