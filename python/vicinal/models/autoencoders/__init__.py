"""Encoders and decoders from pairs of rows and codes, nothing trained."""
