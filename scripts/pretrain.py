"""Train one link of the chain: from one checkpoint to the next. Run it under `accelerate launch` for several processes."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.pretraining.link import Link, Observation, TrainingData
from codeparrot.pretraining.loop import train_link
from codeparrot.pretraining.optimisation import TrainingSettings


def main(
    begin: Path,
    end: Path,
    data: TrainingData,
    to_step: int,
    training: TrainingSettings,
    code: str,
    observation: Observation = Observation(),
    threads: int = 2,
) -> None:
    """Train one link.

    Args:
        begin: Checkpoint or initial weights to start from.
        end: Folder of the new checkpoint.
        data: What is trained on.
        to_step: Updates done at the end of the link.
        training: The whole run's settings.
        code: A digest of the code that trains, or any name for it: a rolling state made by other code is not used.
        observation: How the run is watched and saved.
        threads: CPU threads of each process.
    """
    train_link(Link(begin, end, data, to_step, code), training, observation, threads)


if __name__ == "__main__":
    run(main)
