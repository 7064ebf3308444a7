"""Models that answer from the training rows when they are asked, and what their iteration finds."""
