"""The finished model folder and its proof of provenance."""
