"""Bandwidths: rules of thumb, plug-in rules, and selection by a criterion."""

from vicinal.bandwidth.adaptive import Abramson, KthNeighbor, Perplexity
from vicinal.bandwidth.given import PerKey, PerQuery
from vicinal.bandwidth.rules import plugin, scott, silverman
from vicinal.bandwidth.selection import BandwidthSelection, select

__all__ = [
    "Abramson",
    "BandwidthSelection",
    "KthNeighbor",
    "PerKey",
    "PerQuery",
    "Perplexity",
    "plugin",
    "scott",
    "select",
    "silverman",
]
