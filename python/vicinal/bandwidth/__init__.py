"""Bandwidths: rules of thumb, and selection by leave-one-out or generalised cross-validation."""

from vicinal.bandwidth.rules import scott, silverman
from vicinal.bandwidth.selection import BandwidthSelection, select

__all__ = ["BandwidthSelection", "scott", "select", "silverman"]
