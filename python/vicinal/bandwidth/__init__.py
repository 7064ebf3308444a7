"""Bandwidths: rules of thumb, plug-in rules, and selection by a criterion."""

from vicinal.bandwidth.rules import plugin, scott, silverman
from vicinal.bandwidth.selection import BandwidthSelection, select

__all__ = ["BandwidthSelection", "plugin", "scott", "select", "silverman"]
