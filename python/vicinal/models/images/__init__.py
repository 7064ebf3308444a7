"""Local means of pixels: non-local means, bilateral filters, their noise estimate."""
