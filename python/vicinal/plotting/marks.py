"""Marks that tell classes apart without color."""

__all__ = ["MARKS"]

MARKS = "osD^vP*X<>"
