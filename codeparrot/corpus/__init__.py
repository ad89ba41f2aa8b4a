"""The corpus: raw shards, and the sources that fill them."""
