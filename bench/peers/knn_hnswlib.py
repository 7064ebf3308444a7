"""hnswlib: a graph of small worlds, approximate."""

from .contender import need


def build(keys, k, threads):
    index = need("hnswlib").Index(space="l2", dim=keys.shape[1])
    index.init_index(max_elements=len(keys), M=16, ef_construction=200)
    index.set_num_threads(threads)
    index.add_items(keys)
    index.set_ef(100)
    return lambda queries: index.knn_query(queries, k)[0].astype("int64")
