"""mlpack's kernel density: two trees at once, or one walk per query; one thread."""

import numpy as np

from .contender import WHOLE, Contender, need, once

OPTIONS = {
    "kernel": "gaussian",
    "tree": "kd-tree",
    "rel_error": 9e-5,  # it goes over by a few percent
    "abs_error": 0.0,
    "copy_all_inputs": True,  # else it sorts the caller's array
}


@once
def _model(keys, bandwidth, algorithm):
    points = keys.astype("float64")
    options = {"bandwidth": bandwidth, "algorithm": algorithm, **OPTIONS}
    # Without a query it would evaluate the density at every key.
    return need("mlpack").kde(reference=points, query=points[:1], **options)["output_model"]


def _form(algorithm):
    def prepare(problem, threads):
        kde = need("mlpack").kde
        # The model forgets its options: they are given twice.
        options = {
            "input_model": _model(problem.keys, problem.bandwidth, algorithm),
            "query": problem.queries.astype("float64"),
            "bandwidth": problem.bandwidth,
            "algorithm": algorithm,
            **OPTIONS,
        }
        return lambda: np.log(kde(**options)["predictions"]).ravel()

    return prepare


MLPACK_DENSITY = [
    # Two trees share work between queries.
    Contender("mlpack, dual tree", _form("dual-tree"), "mlpack", WHOLE),
    Contender("mlpack, single tree", _form("single-tree"), "mlpack"),
]
