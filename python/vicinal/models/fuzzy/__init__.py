"""Fuzzy inference: membership functions, rules as text or as data, and the two kinds of systems."""

from vicinal.models.fuzzy.mamdani import Mamdani
from vicinal.models.fuzzy.memberships import Bell, Gauss, Sigmoid, Trapezoid, Triangle
from vicinal.models.fuzzy.takagi_sugeno import TakagiSugeno

__all__ = ["Bell", "Gauss", "Mamdani", "Sigmoid", "TakagiSugeno", "Trapezoid", "Triangle"]
