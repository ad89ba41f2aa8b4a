"""Train one link of the chain: from one checkpoint to the next. Run it under `accelerate launch` for several processes."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.pretraining.loop import train_link
from codeparrot.pretraining.optimisation import TrainingSettings


def main(begin: Path, end: Path, tokens: Path, to_step: int, training: TrainingSettings, threads: int = 2) -> None:
    """Train one link.

    Args:
        begin: Checkpoint or initial weights to start from.
        end: Folder of the new checkpoint.
        tokens: Index of the training split.
        to_step: Updates done at the end of the link.
        training: The whole run's settings.
        threads: CPU threads of each process.
    """
    train_link(begin, end, tokens, training, to_step, threads)


if __name__ == "__main__":
    run(main)
