"""The tokens that models are trained on: packed once, or streamed from texts."""
