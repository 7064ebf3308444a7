"""Parameters and fitted attributes as JSON values, arrays set aside under a name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from vicinal import kernels, models
from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import Abramson, KthNeighbor, Perplexity
from vicinal.bandwidth.given import PerKey
from vicinal.models.fuzzy.memberships import Bell, Gauss, Sigmoid, Trapezoid, Triangle
from vicinal.models.level import Level
from vicinal.models.sets import SETS_BY_NAME
from vicinal.persistence.archive import Refused

__all__ = ["decode", "encode", "refusing"]

# What decoding a hostile header may raise; anything else is a fault of ours and must show.
FAULTS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

OTHERS: dict[str, type[Any]] = {
    **SETS_BY_NAME,
    **{kind.__name__: kind for kind in (Abramson, KthNeighbor, Level, Perplexity, PerKey)},
    **{f"fuzzy.{kind.__name__}": kind for kind in (Bell, Gauss, Sigmoid, Trapezoid, Triangle)},
}
_NAMES = {kind: name for name, kind in OTHERS.items()}


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what damaged or hostile data raise into one refusal that says `what`."""
    try:
        yield
    except FAULTS as error:
        raise Refused(f"{what} ({error})") from error


def encode(value: Any, arrays: dict[str, Array], name: str) -> Any:
    """Return `value` as JSON, adding arrays to `arrays`; `name` is for the message."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray):
        return _encode_array(value, arrays, name)
    if isinstance(value, dict):
        return {key: encode(item, arrays, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [encode(item, arrays, f"{name}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    kind = type(value)
    if getattr(models, kind.__name__, None) is kind and kind.__name__ in models.MODELS:
        parameters = encode(value.get_params(deep=False), arrays, name)
        return {"model": kind.__name__, "parameters": parameters}
    known = _NAMES.get(kind, kind.__name__)
    if _registered(known) is kind:
        content = {field.name: getattr(value, field.name) for field in fields(kind) if field.init}
        return {"object": known, "fields": encode(content, arrays, name)}
    raise TypeError(
        f"{name} is {value!r}, which cannot be kept in a file without code: only numbers, strings, "
        "arrays and the kernels, metrics and rules of vicinal can; pickle or joblib keep the rest"
    )


def decode(value: Any, arrays: Mapping[str, Array]) -> Any:
    """Undo `encode`."""
    if isinstance(value, list):
        return [decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag in _DECODERS:
            return _DECODERS[tag](content, arrays)
    content = {key: decode(item, arrays) for key, item in value.items()}
    if content.keys() == {"model", "parameters"}:
        return _model(**content)
    return _object(**content) if content.keys() == {"object", "fields"} else content


def _encode_array(array: Array, arrays: dict[str, Array], name: str) -> Any:
    if array.dtype.kind == "O":  # labels and feature names from data frames
        if array.ndim != 1 or not all(isinstance(item, str | int | float) for item in array):
            raise TypeError(f"{name} is an array of objects other than strings and numbers")
        return {"objects": [encode(item, arrays, name) for item in array]}
    key = f"array_{len(arrays)}"
    arrays[key] = np.ascontiguousarray(array)
    return {"array": key}


def _objects(content: Any, arrays: Mapping[str, Array]) -> Array:
    result = np.empty(len(content), dtype=object)
    result[:] = decode(content, arrays)
    return result


_DECODERS: dict[str, Callable[[Any, Mapping[str, Array]], Any]] = {
    "array": lambda content, arrays: arrays[content],
    "float": lambda content, arrays: {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[content],
    "objects": _objects,
    "tuple": lambda content, arrays: tuple(decode(content, arrays)),
}


def _registered(name: Any) -> type[Any] | None:
    """Return the kernel, metric, set of neighbors or bandwidth of that name, if there is one."""
    known = kernels.__all__ if isinstance(name, str) else ()
    found = getattr(kernels, name, None) if name in known else OTHERS.get(name)
    return found if isinstance(found, type) and is_dataclass(found) else None


def _model(model: Any, parameters: Any) -> Any:
    """Return an estimator of vicinal that is not fitted."""
    if not isinstance(model, str) or model not in models.MODELS:
        raise Refused(f"it uses {model!r}, which this version does not know")
    return getattr(models, model)(**parameters)


def _object(object: Any, fields: Any) -> Any:
    kind = _registered(object)
    if kind is None:
        raise Refused(f"it uses {object!r}, which this version does not know")
    # Products and sums take their parts one by one.
    return kind(*fields.pop("parts", ()), **fields)
