"""What the parameters and the stored state of a mean shift must look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.models.checks import check_choice, check_number, check_rows, check_whole
from vicinal.progress import reporter

__all__ = ["RULES", "check_parameters", "check_state"]

VARIANTS = ("standard", "blurring", "medoid")
RULES = ("attractor", "nearest")


def check_parameters(model: Any) -> None:
    """Raise unless the parameters of a `MeanShift` fit."""
    check_whole(model.min_bin_freq, "min_bin_freq", 1)
    check_whole(model.max_iter, "max_iter", 0)
    check_choice(model.assign, "assign", ("auto", *RULES))
    check_choice(model.variant, "variant", VARIANTS)
    check_number(model.tol, "tol", lambda t: 0 <= t < np.inf, "a number from 0 on")
    check_number(model.alpha, "alpha", lambda a: 0 < a < 2, "a number between 0 and 2")
    if model.capture != "auto":
        rule = "'auto' or a number from 0 to 1"
        check_number(model.capture, "capture", lambda c: 0 <= c <= 1, rule)
    if model.callback is not None and not callable(model.callback):
        raise TypeError(
            "callback must be None or callable(iteration, error, state), got "
            f"{type(model.callback).__name__}"
        )
    reporter(model.progress)  # raises for what is no progress
    if model.variant == "blurring" and (model.seeds is not None or model.bin_seeding):
        raise ValueError(
            "variant='blurring' moves all rows and takes neither seeds nor bin_seeding"
        )
    if model.variant == "medoid" and model.alpha != 1:
        raise ValueError(
            f"variant='medoid' goes from row to row: alpha must be 1, got {model.alpha}"
        )


def check_state(state: dict[str, Any], variant: str) -> None:
    """Raise unless the attributes that only a `MeanShift` has fit its variant."""
    keys = state["keys_"]
    check_choice(state["assign_"], "assign_", RULES)
    for name in ("n_iter_", "n_orphans_"):
        check_whole(state[name], name, 0)
    if not isinstance(state["converged_"], bool):
        raise ValueError("converged_ is not true or false")
    wanted = {"medoid": "_medoids", "blurring": "_frames"}.get(variant)
    if isinstance(state["bandwidth_"], float) and state["bandwidth_"] == 0:
        wanted = None  # every distinct row is a mode
    if {"_medoids", "_frames"} & state.keys() != ({wanted} if wanted else set()):
        raise ValueError("_medoids and _frames do not fit variant")
    if wanted == "_medoids":
        check_rows(state["_medoids"], "_medoids", len(keys), 0, len(keys))
    if wanted == "_frames":
        frames = state["_frames"]
        if frames.dtype.kind != "f" or frames.shape[1:] != keys.shape or not len(frames):
            raise ValueError("_frames is no array of keys before every step")
        if not np.isfinite(frames).all():
            raise ValueError("_frames is not finite")
