"""Mean shift: scikit-learn's, mlpack's, and vicinal's."""

from .contender import WHOLE, Contender, Unsuited, need


def _sklearn_alone(problem, threads):
    """One process: a task of joblib brings every seed all points."""
    return _sklearn(problem, 1)


def _sklearn(problem, threads):
    if problem.kernel != "flat":
        raise Unsuited("the flat kernel only")
    from sklearn.cluster import MeanShift

    model = MeanShift(
        bandwidth=problem.bandwidth,
        seeds=problem.seeds,
        bin_seeding=problem.binned,
        n_jobs=threads,
    )

    def call():
        model.fit(problem.points)
        return model.labels_, model.cluster_centers_

    return call


def _mlpack(problem, threads):
    if problem.kernel != "flat" or problem.seeds is not None or not problem.binned:
        raise Unsuited("flat kernel, binned seeds")
    mean_shift = need("mlpack").mean_shift

    def call():
        found = mean_shift(problem.points, radius=problem.bandwidth, labels_only=True)
        labels = found["output"].ravel().astype(int)
        return labels, found["centroid"]

    return call


def _vicinal(problem, threads):
    from vicinal.models import MeanShift

    options = {} if problem.shared else {"capture": 0.0}
    model = MeanShift(
        bandwidth=problem.bandwidth,
        seeds=problem.seeds,
        bin_seeding=problem.binned,
        kernel=problem.kernel,
        mass_tol=problem.tol,
        n_jobs=threads,
        **options,
    )

    def call():
        model.fit(problem.points)
        work = f"{model.n_steps_:.3g} steps, {model.n_pairs_:.3g} pairs"
        return model.labels_, model.cluster_centers_, work

    return call


SKLEARN_CLUSTERS = Contender("scikit-learn", _sklearn, "scikit-learn", 8.0)
SKLEARN_CLUSTERS_ALONE = Contender("scikit-learn, one process", _sklearn_alone, "scikit-learn", 8.0)
MLPACK_CLUSTERS = Contender("mlpack", _mlpack, "mlpack", WHOLE)
VICINAL_CLUSTERS = Contender("vicinal", _vicinal, "vicinal", WHOLE)
