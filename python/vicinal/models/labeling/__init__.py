"""Labels that spread over a graph of neighbors."""
