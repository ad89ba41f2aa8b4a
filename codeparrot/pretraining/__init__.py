"""One link of the checkpoint chain: optimisation, loop, checkpoint."""
