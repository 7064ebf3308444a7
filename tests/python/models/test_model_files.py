"""save and load: the same model comes back, and what cannot be kept is refused when it is saved."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

k = vc.kernels
KERNELS = [
    "gaussian",
    k.Epanechnikov(),
    k.StudentT(nu=5, bandwidth=0.7),
    k.Matern(nu=2.5),
    k.RationalQuadratic(alpha=2.5),
    k.InverseDistance(power=3),
    k.Softmax(softcap=3.0, bandwidth=2.0),
    k.Polynomial(degree=3, offset=0.5, bandwidth=1.5, rectified=True),
    k.Gaussian(metric=k.Mahalanobis([[1.0, 0.5, 0.0], [0.0, 2.0, 0.0]]), bandwidth=1.0),
    k.Gaussian(metric=k.GreatCircle(unit="mi"), bandwidth=900.0, columns=(0, 1)),
    k.Product(
        k.Gaussian(bandwidth=0.7, columns=(0, 2)), k.AitchisonAitken(4, bandwidth=0.2, columns=1)
    ),
    k.Sum(k.Gaussian(bandwidth=2.0), k.Laplace(bandwidth=1.0), coefficients=(1.0, 0.5)),
]


def round_trip(model, tmp_path):
    path = tmp_path / "model.npz"
    model.save(path)
    return vc.load(path)


def same_attributes(a, b):
    for name, value in vars(a).items():
        other = getattr(b, name)
        if isinstance(value, np.ndarray):
            assert value.dtype == other.dtype, name
            assert np.array_equal(value, other), name
        elif isinstance(value, list):
            assert all(np.array_equal(x, y) for x, y in zip(value, other, strict=True)), name
        else:
            assert type(value) is type(other), name
            assert value == other, name


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_every_kind_of_kernel(problem, tmp_path, kernel):
    X = np.floor(problem.X + 2).clip(0, 3)
    bandwidth = "scott" if isinstance(kernel, str) or not kernel.needs_bandwidth else 1.5
    model = LocalMeanRegressor(kernel=kernel, bandwidth=bandwidth).fit(X, problem.Y)
    loaded = round_trip(model, tmp_path)
    assert loaded.kernel == kernel
    same_attributes(model, loaded)
    assert model.predict(X[:9]).tobytes() == loaded.predict(X[:9]).tobytes()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
def test_every_model(problem, tmp_path, model, dtype, weighted):
    y = problem.labels if model is LocalMeanClassifier else problem.y
    fitted = model(n_jobs=2).fit(
        problem.X.astype(dtype), y, sample_weight=problem.weights if weighted else None
    )
    loaded = round_trip(fitted, tmp_path)
    same_attributes(fitted, loaded)
    method = "score_samples" if model is KernelDensity else "predict"
    answer = getattr(fitted, method)(problem.queries)
    assert answer.tobytes() == getattr(loaded, method)(problem.queries).tobytes()
    assert fitted.loo_score() == loaded.loo_score()
    assert fitted.empty_rows_ == loaded.empty_rows_


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 1]),
        np.array([True, False, True]),
        np.array(["a", "bcd", "a"]),
        np.array(["ä", "日本", "a"], dtype=object),
        np.array([[0, "x"], [1, "y"], [0, "x"]], dtype=object),
    ],
    ids=str,
)
def test_labels_keep_their_type(tmp_path, labels):
    if labels.ndim == 2:
        labels = labels.astype(str)
    model = LocalMeanClassifier(bandwidth=1.0).fit([[0.0], [1.0], [2.0]], labels)
    loaded = round_trip(model, tmp_path)
    same_attributes(model, loaded)
    answer = loaded.predict([[0.1], [1.4]])
    assert np.array_equal(answer, model.predict([[0.1], [1.4]]))
    assert answer.dtype == model.predict([[0.1]]).dtype


def test_feature_names_and_infinite_bandwidths(problem, tmp_path):
    frame = pd.DataFrame(problem.X, columns=["a", "ü", "c"]).assign(d=1.0)
    model = LocalMeanRegressor().fit(frame, problem.y)
    loaded = round_trip(model, tmp_path)
    assert loaded.feature_names_in_.tolist() == ["a", "ü", "c", "d"]
    assert loaded.bandwidth_[3] == np.inf
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame.rename(columns={"a": "z"}))


def test_parameters_survive_and_can_be_fitted_again(problem, tmp_path):
    model = LocalMeanRegressor(
        kernel="biweight", bandwidth=np.array([1.0, 2.0, np.inf]), empty=-1.0, n_jobs=-1
    ).fit(problem.X, problem.y)
    loaded = round_trip(model, tmp_path)
    assert repr(loaded) == repr(model)
    again = clone(loaded).fit(problem.X, problem.y)
    assert np.array_equal(again.predict(problem.queries), model.predict(problem.queries))


def test_a_file_is_replaced_whole_or_not_at_all(problem, tmp_path, monkeypatch):
    path = tmp_path / "no suffix is added"
    LocalMeanRegressor().fit(problem.X, problem.y).save(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        LocalMeanRegressor(bandwidth=1.0).fit(problem.X, problem.y).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_equal_models_give_equal_files(problem, tmp_path):
    model = LocalMeanRegressor().fit(problem.X, problem.y)
    model.save(tmp_path / "a")
    pickle.loads(pickle.dumps(model)).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_layout_is_the_documented_one(problem, tmp_path):
    path = tmp_path / "model.npz"
    LocalMeanRegressor(bandwidth=2.0).fit(problem.X, problem.y).save(path)
    with np.load(path, allow_pickle=False) as members:
        header = json.loads(members["header"].tobytes())
        assert members["checksum"].shape == (32,)
        assert np.array_equal(members[header["state"]["keys_"]["array"]], problem.X)
    assert header["format"] == "vicinal-model"
    assert header["schema"] == 1
    assert header["vicinal"] == vc.__version__
    assert header["model"] == "LocalMeanRegressor"
    assert header["parameters"]["kernel"] == "gaussian"
    with zipfile.ZipFile(path) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_what_cannot_be_kept_is_refused(problem, tmp_path):
    path = tmp_path / "model.npz"
    custom = k.Custom(lambda u: np.maximum(1 - u, 0), support=1.0)
    with pytest.raises(TypeError, match=r"parameters.kernel.*without code"):
        LocalMeanRegressor(kernel=custom, bandwidth=1.0).fit(problem.X, problem.y).save(path)
    with pytest.raises(NotFittedError):
        LocalMeanRegressor().save(path)

    class Mine(LocalMeanRegressor):
        pass

    for foreign in (Mine(), LinearRegression()):
        with pytest.raises(TypeError, match="not a model of vicinal"):
            vc.persistence.save(foreign.fit(problem.X, problem.y), path)
    assert not path.exists()


def test_a_fresh_process_loads_by_name(problem, tmp_path):
    path = tmp_path / "model.npz"
    model = KernelDensity(bandwidth=1.0).fit(problem.X)
    model.save(path)
    code = "import sys, vicinal; print(vicinal.load(sys.argv[1]).score_samples([[0., 0., 0.]])[0])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == model.score_samples([[0.0, 0.0, 0.0]])[0]


def test_loading_pickles_nothing(problem, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    LocalMeanRegressor().fit(problem.X, problem.y).save(path)
    monkeypatch.setattr(pickle, "load", None)
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "Unpickler", None)
    assert isinstance(vc.load(path), LocalMeanRegressor)


def test_missing_file():
    with pytest.raises(FileNotFoundError):
        vc.load(Path("no such file"))
