"""Model files as an attacker would write them: any content, with a right checksum."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vicinal as vc
from vicinal.models import LocalMeanClassifier, LocalMeanRegressor
from vicinal.persistence import model_file

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)


def saved(path, model=LocalMeanRegressor, **parameters):
    """Save a small fitted model and return (header, arrays)."""
    y = ["a", "b", "a", "b", "b", "b"] if model is LocalMeanClassifier else Y
    model(**parameters).fit(X, y, sample_weight=np.ones(6)).save(path)
    with np.load(path) as members:
        arrays = {name: members[name] for name in members.files}
    header = json.loads(arrays.pop("header").tobytes())
    del arrays["checksum"]
    return header, arrays


def forge(path, header, arrays):
    """Write what an attacker would: any content with a right checksum."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text = np.frombuffer(text, dtype=np.uint8)
    checksum = model_file._checksum(text, arrays)
    with open(path, "wb") as file:
        np.savez(file, header=text, checksum=checksum, **arrays)


def refused(path, words):
    with pytest.raises(ValueError, match=words) as caught:
        vc.load(path)
    assert f"cannot load {str(path)!r}" in str(caught.value)
