"""pynndescent: descent to a graph of neighbors, approximate; compiled at its first call."""

from .contender import need


def build(keys, k, threads):
    index = need("pynndescent").NNDescent(keys, n_jobs=threads, random_state=0)
    index.prepare()
    return lambda queries: index.query(queries, k)[0]
