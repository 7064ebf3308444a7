"""Model files: `save` and `load`."""

from vicinal.persistence.model_file import load, save

__all__ = ["load", "save"]
