"""Locally linear embedding: scikit-learn's and vicinal's; and the weights alone."""

from problem_embedding import NEIGHBORS

from .contender import WHOLE, Contender


def _sklearn(problem, threads):
    from sklearn.manifold import LocallyLinearEmbedding
    from sklearn.manifold._locally_linear import barycenter_kneighbors_graph

    if problem.weights_alone:
        return lambda: barycenter_kneighbors_graph(problem.points, NEIGHBORS, n_jobs=threads)
    model = LocallyLinearEmbedding(n_jobs=threads, **problem.options)
    return lambda: model.fit_transform(problem.points)


def _vicinal(problem, threads):
    import vicinal as vc
    from vicinal.models import LocallyLinearEmbedding

    if problem.weights_alone:

        def weights():
            points = problem.points
            near = vc.knn(points, points, NEIGHBORS, exclude_self=True, num_threads=threads)
            return vc.lle_weights(points, near)

        return weights
    model = LocallyLinearEmbedding(n_jobs=threads, **problem.options)
    return lambda: model.fit_transform(problem.points)


SKLEARN_EMBEDDING = Contender("scikit-learn", _sklearn, "scikit-learn", WHOLE)
VICINAL_EMBEDDING = Contender("vicinal", _vicinal, "vicinal", WHOLE)
