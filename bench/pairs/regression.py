"""Local means and local lines against kernel regression, loess and nearest neighbors."""

import importlib

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from vicinal.models import LocalMeanRegressor, LocalPolynomialRegressor

from .pair import Contender, Pair
from .tuning import fitted, held_out, r2, tuned

SPANS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
COUNTS = (3, 5, 8, 12, 17, 25, 35, 50)


def engel():
    data = importlib.import_module("statsmodels.api").datasets.engel.load_pandas().data
    return held_out(np.log(data[["income"]].to_numpy()), np.log(data["foodexp"].to_numpy()))


def diabetes(columns):
    data = load_diabetes(as_frame=True, scaled=False)
    return held_out(data.data[list(columns)].to_numpy(), data.target.to_numpy())


def _ours(model):
    return lambda fold: model.fit(fold.X, fold.y).predict(fold.X_test)


def _statsmodels(kind):
    def answer(fold):
        regression = importlib.import_module("statsmodels.nonparametric.kernel_regression")
        types = "c" * fold.X.shape[1]
        model = regression.KernelReg(fold.y, fold.X, types, reg_type=kind, bw="cv_ls")
        return model.fit(fold.X_test)[0]

    return answer


def _loess(span, X, y, X_test):
    """Fit skmisc's loess, which extrapolates with its direct surface alone."""
    loess = importlib.import_module("skmisc.loess").loess
    model = loess(_by_columns(X), y, span=span, degree=1, surface="direct")
    return model.predict(_by_columns(X_test)).values


def _by_columns(X):
    """Lay out rows as skmisc reads them: its C takes columns, and gets a copy in C order."""
    return np.ascontiguousarray(X.T).reshape(X.shape)


LINE = _ours(LocalPolynomialRegressor(1, bandwidth="loo"))
MEAN = _ours(LocalMeanRegressor(bandwidth="loo"))
KERNEL_LINES = Contender("statsmodels KernelReg", _statsmodels("ll"), ("statsmodels.api",))
KERNEL_MEANS = Contender("statsmodels KernelReg", _statsmodels("lc"), ("statsmodels.api",))
LOESS = Contender("skmisc loess", tuned(SPANS, _loess), ("skmisc.loess",))
NEAREST = Contender(
    "scikit-learn nearest neighbors", tuned(COUNTS, fitted(lambda k: KNeighborsRegressor(k)))
)
GLOBAL = Contender("one line for all", _ours(LinearRegression()), context=True)
LEFT_OUT = "leave-one-out (vicinal, statsmodels), 5 inner folds (others)"


def _lines(name, title, folds):
    contenders = (Contender("vicinal", LINE), KERNEL_LINES, LOESS, GLOBAL)
    model = "LocalPolynomialRegressor"
    return Pair(name, model, title, "R²", True, folds, r2, contenders, LEFT_OUT)


def pairs():
    yield _lines("lines-engel", "log of food by log of income, 235 households (engel)", engel)
    yield _lines(
        "lines-diabetes",
        "progression by bmi and s5, 442 patients (diabetes)",
        lambda: diabetes(["bmi", "s5"]),
    )
    yield Pair(
        "means-diabetes",
        "LocalMeanRegressor",
        "progression by all 10 features, 442 patients (diabetes)",
        "R²",
        True,
        lambda: diabetes(load_diabetes().feature_names),
        r2,
        (Contender("vicinal", MEAN), NEAREST, GLOBAL),
        LEFT_OUT,
    )
    yield Pair(
        "means-engel",
        "LocalMeanRegressor",
        "log of food by log of income, 235 households (engel)",
        "R²",
        True,
        engel,
        r2,
        (Contender("vicinal", MEAN), KERNEL_MEANS, NEAREST, GLOBAL),
        LEFT_OUT,
    )
