"""The library behind the pipeline: plain functions, no Snakemake, importable in a test or a notebook."""
