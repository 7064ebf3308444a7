"""vicinal's exact search."""

import vicinal as vc


def build(keys, k, threads):
    index = vc.KeyIndex(keys, num_threads=threads)
    return lambda queries: vc.knn(queries, index, k, num_threads=threads).indices
