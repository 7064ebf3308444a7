"""Manifolds to unroll by locally linear embedding, and how good an embedding is."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

NEIGHBORS = 12
ROWS_CHECKED = 2000  # whose neighbors are compared


@dataclass(frozen=True)
class Manifold:
    """Contenders return the embedding, or the weights of the neighbors as a sparse matrix."""

    points: np.ndarray  # (n, d)
    method: str = "standard"
    components: int = 2
    weights_alone: bool = False

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
        """Ask scikit-learn's code for the weights; embeddings are judged by what they keep."""
        if not self.weights_alone:
            return None
        from sklearn.manifold._locally_linear import barycenter_kneighbors_graph

        return barycenter_kneighbors_graph(self.points, NEIGHBORS, n_jobs=-1)

    def judge(self, result, expected):
        if self.weights_alone:
            if result.shape != expected.shape:
                return Verdict(np.nan, "ok", "a part")
            apart = abs(result - expected).max()
            return Verdict(float(apart), "ok" if apart < 1e-6 else "wrong")
        from sklearn.manifold import trustworthiness

        some = np.random.default_rng(0).choice(
            len(self.points), min(ROWS_CHECKED, len(self.points)), replace=False
        )
        kept = trustworthiness(self.points[some], np.asarray(result)[some], n_neighbors=NEIGHBORS)
        return Verdict(float(1 - kept), "ok" if kept > 0.5 else "wrong", f"trust {kept:.3f}")


def swiss_roll(n, seed=0, **options):
    from sklearn.datasets import make_swiss_roll

    return Manifold(make_swiss_roll(n, random_state=seed)[0], **options)


def latent_cloud(n, d, hidden=3, seed=0, **options):
    """A smooth surface of a few hidden dimensions in many, with noise."""
    rng = np.random.default_rng(seed)
    hidden_points = rng.normal(size=(n, hidden))
    bent = np.tanh(hidden_points @ rng.normal(size=(hidden, d)))
    return Manifold(bent + 0.01 * rng.normal(size=(n, d)), **options)
