"""Local fits: statsmodels' KernelReg, Cleveland's loess, mgwr, a loop of scikit-learn fits."""

import numpy as np

from .contender import WHOLE, Contender, need, once


def _kernel_reg(problem, threads):
    from importlib import import_module

    need("statsmodels")
    reg = import_module("statsmodels.nonparametric.kernel_regression").KernelReg
    bandwidth = np.full(problem.d, problem.bandwidth)
    options = {"reg_type": "ll", "bw": bandwidth, "rng": np.random.default_rng(0)}
    model = reg(problem.y, problem.points, "c" * problem.d, **options)
    return lambda: model.fit(problem.queries)[0]


def _by_features(points):
    """Return points as skmisc reads them: its memory is a feature after the other."""
    return np.ascontiguousarray(points.T).reshape(points.shape)


@once
def _fitted_loess(points, y, share, degree):
    loess = need("skmisc.loess", "scikit-misc").loess
    options = {"degree": degree, "surface": "direct", "normalize": False}
    model = loess(_by_features(points), np.array(y), span=share, **options)
    model.fit()
    return model


def _loess(problem, threads):
    share = problem.nearest / problem.n
    model = _fitted_loess(problem.points, tuple(problem.y), share, problem.degree)
    queries = _by_features(problem.queries)
    return lambda: model.predict(queries).values


def _mgwr(problem, threads):
    gwr = need("mgwr.gwr", "mgwr").GWR
    from joblib import Parallel, delayed

    y = problem.y[:, None]
    model = gwr(problem.points, y, problem.columns, bw=problem.nearest, n_jobs=threads)
    model.fit_params["lite"] = False

    def call():  # what `fit` does, at the first rows
        fits = Parallel(n_jobs=threads)(delayed(model._local_fit)(i) for i in range(problem.rows))
        return np.array([fit[3] for fit in fits])

    return call


def _sklearn_loop(solver):
    """Fit row by row; few columns make Newton's method much faster than the default."""

    def prepare(problem, threads):
        from sklearn.linear_model import LogisticRegression

        def one(row):
            model = LogisticRegression(solver=solver, tol=1e-10, max_iter=1000)
            model.fit(problem.columns, problem.y, sample_weight=problem.weights(row))
            return np.concatenate([model.intercept_, model.coef_[0]])

        return lambda: np.array([one(row) for row in range(problem.rows)])

    return prepare


def _polynomials(problem, threads):
    import vicinal as vc

    options = {"degree": problem.degree, "num_threads": threads}
    if problem.nearest:
        rule = vc.bandwidth.KthNeighbor(problem.nearest)
        options |= {"kernel": "tricube", "bandwidth": rule}
    else:
        options["bandwidth"] = problem.bandwidth
    return lambda: vc.local_fit(problem.queries, problem.points, problem.y, **options).fitted


def _geographic(problem, threads):
    import vicinal as vc
    from vicinal.models import GeographicallyWeightedRegressor

    rule = vc.bandwidth.KthNeighbor(problem.nearest)
    X = np.hstack([problem.points, problem.columns])
    model = GeographicallyWeightedRegressor([0, 1], bandwidth=rule, n_jobs=threads)
    return lambda: model.fit(X, problem.y).coefficients_


def _localized(problem, threads):
    from sklearn.linear_model import LogisticRegression

    from vicinal.models import Localized

    model = Localized(LogisticRegression(), bandwidth=problem.bandwidth, n_jobs=threads)
    model.fit(problem.columns, problem.y)
    return lambda: model.coefficients(problem.queries)


KERNEL_REG = Contender("statsmodels KernelReg", _kernel_reg, "statsmodels", 2.0)
LOESS = Contender("skmisc loess", _loess, "skmisc", 2.0)
MGWR = Contender("mgwr", _mgwr, "mgwr", 4.0)
SKLEARN_LOOP = Contender("scikit-learn", _sklearn_loop("lbfgs"), "scikit-learn", 4.0)
SKLEARN_NEWTON = Contender(
    "scikit-learn, newton-cholesky", _sklearn_loop("newton-cholesky"), "its Newton", 2.0
)
VICINAL_POLYNOMIALS = Contender("vicinal", _polynomials, "vicinal", WHOLE)
VICINAL_GEOGRAPHIC = Contender("vicinal", _geographic, "vicinal", WHOLE)
VICINAL_LOCALIZED = Contender("vicinal", _localized, "vicinal", WHOLE)
