"""Optimal denoising of Gaussian noise, and samples drawn by it."""
