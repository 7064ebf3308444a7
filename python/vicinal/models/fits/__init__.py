"""Models fitted around every query: polynomials, geographically weighted lines, axes."""
