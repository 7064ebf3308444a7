"""One update of a Hopfield network, and label propagation."""

from .contender import WHOLE, Contender, Unsuited, need


def _hopfield(problem, threads):
    import vicinal as vc
    from vicinal.models import Hopfield

    near = vc.KNearest(problem.nearest) if problem.nearest else None
    model = Hopfield(beta=problem.beta, neighbors=near, max_iter=1, n_jobs=threads)
    model.fit(problem.patterns)
    return lambda: model.predict(problem.queries)


def _sdpa(problem, threads):
    if problem.nearest:
        raise Unsuited("all patterns only")
    torch = need("torch")
    torch.set_num_threads(threads)
    q, x = (torch.from_numpy(a)[None, None] for a in (problem.queries, problem.patterns))

    def call():
        with torch.inference_mode():
            out = torch.nn.functional.scaled_dot_product_attention(q, x, x, scale=problem.beta)
        return out.numpy()[0, 0]

    return call


def _labels(problem, threads):
    import vicinal as vc
    from vicinal.models import LabelPropagation

    near = {"kernel": "constant", "bandwidth": 1.0, "neighbors": vc.KNearest(problem.nearest or 1)}
    wide = {"bandwidth": (2 * problem.gamma or 1) ** -0.5, "mass_tol": problem.mass_tol}
    options = near if problem.nearest else wide
    model = LabelPropagation(alpha=problem.alpha, n_jobs=threads, **options)
    return lambda: model.fit(problem.points, problem.known).transduction_


def _sklearn(problem, threads):
    from sklearn import semi_supervised

    options = {"gamma": problem.gamma, "n_neighbors": problem.nearest or 7, "n_jobs": threads}
    options["kernel"] = "knn" if problem.nearest else "rbf"
    options["max_iter"] = problem.steps
    if problem.alpha is None:
        model = semi_supervised.LabelPropagation(**options)
    else:
        model = semi_supervised.LabelSpreading(alpha=problem.alpha, **options)
    return lambda: model.fit(problem.points, problem.known).transduction_


VICINAL_HOPFIELD = Contender("vicinal", _hopfield, "vicinal", WHOLE)
SDPA_HOPFIELD = Contender("torch SDPA", _sdpa, "torch SDPA", WHOLE)
VICINAL_LABELS = Contender("vicinal", _labels, "vicinal", WHOLE)
SKLEARN_LABELS = Contender("scikit-learn", _sklearn, "scikit-learn", WHOLE)
