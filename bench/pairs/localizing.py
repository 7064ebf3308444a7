"""Models made local: geographically weighted lines, axes, any estimator."""

import importlib

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neighbors import NearestNeighbors

from vicinal.bandwidth import KthNeighbor
from vicinal.models import GeographicallyWeightedRegressor, Localized, LocalPCA

from .pair import Contender, Pair
from .tuning import Fold, fitted, held_out, r2, root_mean_square, tuned

AXES = 8
ROWS, NEAR = 600, 60  # digits, and how many a local axis is drawn from
PENALTIES = (0.1, 1.0, 10.0)
SHARES = (2.0, 4.0, 8.0, 16.0)  # bandwidths, in standard deviations of a feature


def georgia():
    """Places stay in meters; covariates are scaled."""
    examples = importlib.import_module("libpysal.examples")
    table = importlib.import_module("pandas").read_csv(examples.get_path("GData_utm.csv"))
    places = table[["X", "Y"]].to_numpy(float)
    folds = held_out(table[["PctRural", "PctPov", "PctBlack"]], table["PctBach"].to_numpy(float))
    where = held_out(places, np.arange(len(table)))
    return [
        Fold(
            np.column_stack([places[at.y], fold.X]),
            fold.y,
            np.column_stack([places[at.y_test], fold.X_test]),
            fold.y_test,
        )
        for fold, at in zip(folds, where, strict=True)
    ]


def _gwr(fold):
    model = GeographicallyWeightedRegressor([0, 1]).fit(fold.X, fold.y)
    return model.predict(fold.X_test)


def _mgwr(fold):
    places, covariates, y = fold.X[:, :2], fold.X[:, 2:], fold.y[:, None]
    search = importlib.import_module("mgwr.sel_bw").Sel_BW(places, y, covariates, n_jobs=1)
    width = search.search(criterion="AICc")
    model = importlib.import_module("mgwr.gwr").GWR(places, y, covariates, bw=width, n_jobs=1)
    return model.predict(fold.X_test[:, :2], fold.X_test[:, 2:]).predictions[:, 0]


def _one_line(fold):
    line = LinearRegression().fit(fold.X[:, 2:], fold.y)
    return line.predict(fold.X_test[:, 2:])


def digits():
    X = load_digits().data[:ROWS]
    return [Fold(f.y, f.y, f.y_test, f.y_test) for f in held_out(X, X)]


def _local_axes(fold):
    """Project rows on the axes of the training rows around them."""
    model = LocalPCA(AXES, kernel="tricube", bandwidth=KthNeighbor(NEAR)).fit(fold.X)
    return model.inverse_transform(model.transform(fold.X_test), fold.X_test)


def _loop_of_axes(fold):
    search = NearestNeighbors(n_neighbors=NEAR).fit(fold.X)
    near = search.kneighbors(fold.X_test, return_distance=False)
    axes = [PCA(AXES).fit(fold.X[rows]) for rows in near]
    answers = [
        pca.inverse_transform(pca.transform(row[None]))[0]
        for pca, row in zip(axes, fold.X_test, strict=True)
    ]
    return np.stack(answers)


def _global_axes(fold):
    pca = PCA(AXES, svd_solver="full").fit(fold.X)
    return pca.inverse_transform(pca.transform(fold.X_test))


def _diabetes():
    X, y = load_diabetes(return_X_y=True)
    return held_out(X, y)


def _cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return held_out(X, y)


def _local_ridge(setting):
    width, penalty = setting
    return Localized(Ridge(alpha=penalty), bandwidth=width)


def _logistic(penalty):
    return LogisticRegression(C=1 / penalty, max_iter=1000)


def _probability(build):
    def answer(setting, X, y, X_test):
        return build(setting).fit(X, y).predict_proba(X_test)[:, 1]

    return answer


def _local_logistic(setting):
    width, penalty = setting
    return Localized(_logistic(penalty), bandwidth=width)


def _judge_of_labels(fold, answer):
    return log_loss(fold.y_test, answer)


BOTH = [(width, penalty) for width in SHARES for penalty in PENALTIES]
INNER = "5 inner folds over the same penalties, and over bandwidths where it is local"


def pairs():
    yield Pair(
        "gwr-georgia",
        "GeographicallyWeightedRegressor",
        "share of graduates by 3 covariates, 159 counties (Georgia)",
        "R²",
        True,
        georgia,
        r2,
        (
            Contender("vicinal", _gwr),
            Contender("mgwr", _mgwr, ("mgwr.gwr", "mgwr.sel_bw", "libpysal", "pandas")),
            Contender("one line for all", _one_line, context=True),
        ),
        "AICc",
        equal=True,
    )
    yield Pair(
        "axes-digits",
        "LocalPCA",
        f"digits projected on {AXES} axes, {ROWS} × 64 (digits)",
        "root mean square error",
        False,
        digits,
        root_mean_square,
        (
            Contender("vicinal", _local_axes),
            Contender("a loop of scikit-learn PCA over neighbors", _loop_of_axes),
            Contender("one PCA for all", _global_axes, context=True),
        ),
        f"none: {NEAR} neighbors, under tricube weights (vicinal) and without (scikit-learn)",
    )
    yield Pair(
        "ridge-diabetes",
        "Localized(Ridge)",
        "progression by all 10 features, 442 patients (diabetes)",
        "R²",
        True,
        _diabetes,
        r2,
        (
            Contender("vicinal", tuned(BOTH, fitted(_local_ridge))),
            Contender("Ridge", tuned(PENALTIES, fitted(lambda a: Ridge(alpha=a)))),
        ),
        INNER,
    )
    yield Pair(
        "logistic-cancer",
        "Localized(LogisticRegression)",
        "569 tumors × 30 features (breast cancer)",
        "log loss",
        False,
        _cancer,
        _judge_of_labels,
        (
            Contender("vicinal", tuned(BOTH, _probability(_local_logistic), log_loss)),
            Contender("LogisticRegression", tuned(PENALTIES, _probability(_logistic), log_loss)),
        ),
        INNER,
    )
