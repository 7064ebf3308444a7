"""Series: edges in them, and how they go on."""

import importlib

import numpy as np
from sklearn.neighbors import KNeighborsRegressor

from vicinal.models import LocalAutoregressor, LocalMeanRegressor, SelfLocalRegressor

from .pair import Contender, Pair
from .regression import KERNEL_MEANS
from .tuning import Fold, fitted, held_out, r2, root_mean_square, tuned

AHEAD = 12
LAGS = (12, 24)
NEAR = (3, 5, 8, 12, 20)
RIDGES = (1.0, 100.0)
SPANS = (0.1, 0.15, 0.2, 0.3, 0.45, 0.66)
WIDTHS = (0.05, 0.1, 0.2, 0.3, 0.5)  # standard deviations of the year
TARGETS = (0.5, 1.0, 2.0)  # standard deviations of the volume


def _statsmodels():
    return importlib.import_module("statsmodels.api")


def nile():
    """Return held-out years of the Nile's volume, which fell when a dam was built."""
    data = _statsmodels().datasets.nile.load_pandas().data
    return held_out(data[["year"]].to_numpy(), data["volume"].to_numpy())


def _self_local(setting, X, y, X_test):
    width, share = setting
    model = SelfLocalRegressor(bandwidth=width, target_bandwidth=share * y.std())
    return model.fit(X, y).predict(X_test)


def _lowess(span, X, y, X_test):
    smooth = _statsmodels().nonparametric.lowess
    return smooth(y, X[:, 0], frac=span, xvals=X_test[:, 0])


def _ends(numbers):
    """Return five origins: what is known, and the numbers that come next."""
    folds = []
    for back in range(5, 0, -1):
        at = len(numbers) - AHEAD * back
        known, ahead = numbers[:at], numbers[at : at + AHEAD]
        folds.append(Fold(known, known, ahead, ahead))
    return folds


def sunspots():
    data = _statsmodels().datasets.sunspots.load_pandas().data
    return _ends(data["SUNACTIVITY"].to_numpy())


def carbon_dioxide():
    data = _statsmodels().datasets.co2.load_pandas().data["co2"]
    return _ends(data.resample("MS").mean().interpolate().to_numpy())


def _best_by_past(settings, forecast):
    """Choose by the mean square of the two forecasts before the origin."""

    def call(fold):
        past = [fold.X[: len(fold.X) - AHEAD * back] for back in (1, 2)]

        def loss(setting):
            return sum(
                np.mean((forecast(setting, known) - fold.X[len(known) :][:AHEAD]) ** 2)
                for known in past
            )

        return forecast(min(settings, key=loss), fold.X)

    return call


def _ours(setting, known):
    lags, ridge = setting
    model = LocalAutoregressor(lags=lags, degree=1, ridge=ridge)
    return model.fit(known).forecast(AHEAD)


def _autoregression(lags, known):
    model = importlib.import_module("statsmodels.tsa.ar_model").AutoReg(known, lags)
    return model.fit().predict(len(known), len(known) + AHEAD - 1)


def _nearest(setting, known):
    """Forecast with the mean of what came after the nearest windows, all steps at once."""
    lags, k = setting
    windows = np.lib.stride_tricks.sliding_window_view(known, lags)
    after = np.lib.stride_tricks.sliding_window_view(known[lags:], AHEAD)
    model = KNeighborsRegressor(k).fit(windows[: len(after)], after)
    return model.predict(windows[-1:])[0]


def _forecasts(name, title, folds):
    return Pair(
        name,
        "LocalAutoregressor",
        title,
        "root mean square error",
        False,
        folds,
        root_mean_square,
        (
            Contender("vicinal", _best_by_past([(p, r) for p in LAGS for r in RIDGES], _ours)),
            Contender(
                "statsmodels AutoReg",
                _best_by_past(LAGS, _autoregression),
                ("statsmodels.tsa.ar_model",),
            ),
            Contender(
                "scikit-learn nearest windows",
                _best_by_past([(p, k) for p in LAGS for k in NEAR], _nearest),
            ),
        ),
        "the two forecasts before the origin, over lags and each one's own number",
    )


def pairs():
    needs = ("statsmodels.api",)
    settings = [(width, share) for width in WIDTHS for share in TARGETS]
    yield Pair(
        "edges-nile",
        "SelfLocalRegressor",
        "volume of the Nile by year, 100 years",
        "R²",
        True,
        nile,
        r2,
        (
            Contender("vicinal", tuned(settings, _self_local)),
            Contender("statsmodels lowess", tuned(SPANS, _lowess), needs),
            KERNEL_MEANS,
            Contender(
                "vicinal local means",
                tuned(WIDTHS, fitted(lambda h: LocalMeanRegressor(bandwidth=h))),
            ),
        ),
        "5 inner folds (KernelReg: leave-one-out)",
    )
    yield _forecasts("forecast-sunspots", "sunspots, 12 years ahead, 5 origins", sunspots)
    yield _forecasts(
        "forecast-co2", "carbon dioxide by month, 12 months ahead, 5 origins", carbon_dioxide
    )
