"""Model files: an npz of plain arrays with a JSON header. Nothing is pickled, nothing is run.

Layout, schema 1: members `header` (uint8, JSON text), `checksum` (uint8, SHA-256 of the header and
of every array) and `array_0`, `array_1` …, to which the header refers; all stored, none compressed:

    {"format": "vicinal-model", "schema": 1, "vicinal": "0.1.0", "model": "LocalMeanRegressor",
     "parameters": {"kernel": {"object": "Gaussian", "fields": {…}}, …},
     "state": {"keys_": {"array": "array_0"}, …}}

Models, kernels and metrics are found by name in the tables of this package, never imported by path.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vicinal import models
from vicinal.arrays import Array
from vicinal.persistence import codec
from vicinal.persistence.archive import Refused, read_members

__all__ = ["load", "save"]

FORMAT, SCHEMA = "vicinal-model", 1


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted model; an existing file is replaced as a whole.

    Parameters
    ----------
    model : estimator of `vicinal.models`
        A fitted model.
    path : str or path-like
        The file; no suffix is added.

    Raises
    ------
    TypeError
        If the model or a parameter has no place in a file without code, such as a
        `vicinal.kernels.Custom` kernel made from a Python function.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    See Also
    --------
    load : Read it back.
    """
    from sklearn.utils.validation import check_is_fitted

    name = type(model).__name__
    if getattr(models, name, None) is not type(model):
        raise TypeError(
            f"{type(model).__qualname__} is not a model of vicinal and cannot be saved; "
            "joblib or skops keep other estimators"
        )
    if hasattr(model, "fit"):
        check_is_fitted(model)
    arrays: dict[str, Array] = {}
    header = {
        "format": FORMAT,
        "schema": SCHEMA,
        "vicinal": _version(),
        "model": name,
        "parameters": codec.encode(model.get_params(deep=False), arrays, "parameters"),
        "state": codec.encode(model._get_state(), arrays, "state"),
    }
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    _write(Path(path), {"header": text, "checksum": _checksum(text, arrays), **arrays})


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : estimator of `vicinal.models`
        The fitted model: the same parameters, attributes and answers.

    Raises
    ------
    ValueError
        If the file is damaged, was changed, is no model file or was written by a newer schema.
    OSError
        If the file cannot be read.

    Notes
    -----
    The file is data only. Arrays are checked against the size of the file before they are
    allocated, the checksum before anything is decoded, and the decoded model before it is returned.

    Examples
    --------
    >>> import os, tempfile, vicinal as vc
    >>> model = vc.models.LocalMeanRegressor(bandwidth=1.0).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> model.save(path)
    >>> vc.load(path).predict([[0.5]])
    array([0.5])
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a str or a path, got {type(path).__name__}")
    with open(path, "rb") as file:
        try:
            return _decode(read_members(file))
        except Refused as error:
            raise ValueError(f"cannot load {os.fspath(path)!r}: {error}") from error


def _decode(members: dict[str, Array]) -> Any:
    header = _header(members)
    model_class = getattr(models, header["model"])
    with codec.refusing("the parameters of the model do not fit"):
        parameters = codec.decode(header["parameters"], members)
        model = model_class(**parameters)
    with codec.refusing("the fitted state of the model does not fit"):
        model._set_state(codec.decode(header["state"], members))
    return model


def _header(members: dict[str, Array]) -> Mapping[str, Any]:
    """Return the header after its checks, in an order that gives the most helpful message."""
    if not {"header", "checksum"} <= members.keys():
        raise Refused("it is an npz file, but not a model: it has no header and checksum")
    text, checksum = members.pop("header"), members.pop("checksum")
    if not np.array_equal(checksum, _checksum(text, members)):
        raise Refused("its checksum does not match: it is damaged or was changed; save it again")
    with codec.refusing("its header is not readable"):
        header = json.loads(text.tobytes().decode())
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Refused(f"its header does not say format {FORMAT!r}")
    schema = header.get("schema")
    if type(schema) is not int or not 1 <= schema <= SCHEMA:
        raise Refused(
            f"it has schema {schema!r}, written by vicinal {header.get('vicinal')!r}; "
            f"this version reads schemas up to {SCHEMA}: upgrade vicinal"
        )
    if header.get("model") not in tuple(models.MODELS):
        raise Refused(f"it holds a {header.get('model')!r}, which this version does not know")
    if not all(isinstance(header.get(part), dict) for part in ("parameters", "state")):
        raise Refused("its header lacks parameters or state")
    return header


def _checksum(text: Array, arrays: Mapping[str, Array]) -> Array:
    digest = hashlib.sha256(text.tobytes())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.view(np.uint8).data if array.size else b"")
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _write(path: Path, members: Mapping[str, Array]) -> None:
    # Not tempfile: its files are private, and a model's permissions are those of any new file.
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path must lie in a folder that exists, got {os.fspath(path)!r}")
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(unfinished, "xb") as file:
            np.savez(file, **members)  # type: ignore[arg-type]  # its allow_pickle is not a member
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _version() -> str:
    from vicinal import __version__

    return __version__
