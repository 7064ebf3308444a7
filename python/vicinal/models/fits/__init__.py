"""Models that are weighted fits around every query."""
