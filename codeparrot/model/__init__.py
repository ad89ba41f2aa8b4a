"""The model: architecture, weights, and how the C library treats its memory."""
