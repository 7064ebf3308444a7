"""Associative memories: patterns that are retrieved from parts of them."""
