"""The bandwidth of a model that keeps its keys, from its parameter and its training set."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.bandwidth.criteria import CRITERIA
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.bandwidth.selection import NAMES
from vicinal.errors import did_you_mean
from vicinal.models.adaptive import settled

__all__ = ["bandwidth_of"]


def bandwidth_of(model: Any) -> Any:
    """Return the bandwidth that a fit of a `LocalModel` keeps; its training set is stored.

    A number, one per feature, a rule, or those that the kernel has.
    """
    rule = model.bandwidth
    if model._kernel_has_bandwidth():
        if rule is None or (isinstance(rule, str) and rule == "scott"):
            own = [leaf.bandwidth for leaf in model.kernel.leaves()]
            return own[0] if len(own) == 1 else tuple(own)
        raise ValueError(
            f"bandwidth is given twice: bandwidth={rule!r} and kernel={model.kernel!r}; "
            "leave `bandwidth` at its default or take it out of the kernel"
        )
    if isinstance(rule, AdaptiveBandwidth):
        training = model.keys_, model.kernel, model.metric, model.sample_weight_
        return settled(rule, *training, float(model.mass_tol), model.n_jobs)
    if rule is None or (isinstance(rule, str) and rule not in NAMES):
        raise ValueError(
            f"bandwidth must be a number, one number per feature, a rule of vicinal.bandwidth "
            f"or one of {NAMES}, got {rule!r}{did_you_mean(rule, NAMES)}"
        )
    if not isinstance(rule, str):
        given = np.array(rule, dtype=np.float64)  # a copy, which the caller cannot change
        return given if given.ndim else float(given)
    if rule in CRITERIA:
        model._need_two_rows(f"bandwidth={rule!r}")
    return model._select_bandwidth(rule).bandwidth
