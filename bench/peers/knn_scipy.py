"""scipy's k-d tree."""

from scipy.spatial import cKDTree


def build(keys, k, threads):
    tree = cKDTree(keys)
    return lambda queries: tree.query(queries, k, workers=threads)[1]
