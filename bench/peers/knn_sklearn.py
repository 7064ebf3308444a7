"""scikit-learn's neighbors: a k-d tree, or all distances with a fused selection."""

from sklearn.neighbors import NearestNeighbors


def _build(algorithm):
    def build(keys, k, threads):
        model = NearestNeighbors(n_neighbors=k, algorithm=algorithm, n_jobs=threads).fit(keys)
        return lambda queries: model.kneighbors(queries, return_distance=False)

    return build


tree, brute = _build("kd_tree"), _build("brute")
