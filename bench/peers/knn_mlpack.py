"""mlpack's exact search: two trees at once, or one walk per query."""

from .contender import need


def _build(algorithm):
    def build(keys, k, threads):
        knn = need("mlpack").knn
        fitted = knn(
            reference=keys.astype("float64"),
            tree_type="kd",
            algorithm=algorithm,
            copy_all_inputs=True,  # else it sorts the caller's array
        )

        def find(queries):
            points = queries.astype("float64")
            options = {"query": points, "k": k, "algorithm": algorithm, "copy_all_inputs": True}
            return knn(input_model=fitted["output_model"], **options)["neighbors"]

        return find

    return build


dual_tree, single_tree = _build("dual_tree"), _build("single_tree")
