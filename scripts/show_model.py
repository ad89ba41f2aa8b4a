"""Print what a finished model folder holds: parameters, validation loss beside the yardsticks, and the report's path."""

from pathlib import Path

import orjson

from codeparrot.command import run
from codeparrot.errors import PipelineError


def main(folder: Path) -> None:
    """Print a finished model's figures.

    Args:
        folder: The model folder, for example results/codeparrot-demo.
    """
    file = folder / "metrics.json"
    if not file.is_file():
        raise PipelineError(f"{file}: no such file; build the folder first: snakemake {folder}/")
    figures = orjson.loads(file.read_bytes())
    last, yardsticks = figures["validation"][-1], figures["yardsticks"]
    perplexity = "∞" if last["perplexity"] is None else f"{last['perplexity']:.1f}"
    print(f"model folder     {folder}/")
    print(f"parameters       {figures['parameters']:,}")
    print(f"validation loss  {last['loss']:.3f} nats a token (perplexity {perplexity})")
    print(f"  uniform guess  {yardsticks['uniform']:.3f}")
    print(f"  unigram        {yardsticks['unigram']:.3f}  ({yardsticks['unigram'] - last['loss']:.3f} above the model)")
    print(f"report           {folder}/report.html")


if __name__ == "__main__":
    run(main)
