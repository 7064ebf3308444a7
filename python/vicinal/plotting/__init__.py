"""Displays in scikit-learn's manner; matplotlib is imported when one is drawn."""

from vicinal.plotting.attention import AttentionDisplay
from vicinal.plotting.coefficient_map import CoefficientMapDisplay
from vicinal.plotting.curve import BandwidthCurveDisplay
from vicinal.plotting.embedding import EmbeddingDisplay
from vicinal.plotting.rules import RuleDisplay
from vicinal.plotting.trajectory import TrajectoryDisplay
from vicinal.plotting.weights import LocalWeightsDisplay

__all__ = [
    "AttentionDisplay",
    "BandwidthCurveDisplay",
    "CoefficientMapDisplay",
    "EmbeddingDisplay",
    "LocalWeightsDisplay",
    "RuleDisplay",
    "TrajectoryDisplay",
]
