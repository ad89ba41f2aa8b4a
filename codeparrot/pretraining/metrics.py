"""What is seen of a run: its metrics as JSON lines, and the arithmetic behind them."""

from collections.abc import Sequence
from pathlib import Path

import orjson

Metrics = dict[str, float]

# Dense bf16/fp16 floating-point operations a second, from the vendors' data sheets.
PEAK_FLOPS = {"H100": 989.4e12, "H200": 989.4e12, "A100": 312e12, "L40S": 362e12, "V100": 125e12}


def read_metrics(folder: Path) -> list[Metrics]:
    """The metrics of the run up to the checkpoint in `folder`; none for initial weights."""
    file = folder / "metrics.jsonl"
    return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.is_file() else []


def write_metrics(file: Path, metrics: Sequence[Metrics]) -> None:
    """Write metrics as JSON lines, one line an entry."""
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in metrics))


def append_metrics(file: Path, line: Metrics) -> None:
    """Add a line of metrics to a file that write_metrics made."""
    with file.open("ab") as stream:
        stream.write(orjson.dumps(line) + b"\n")


def flops_per_token(parameters: int, layers: int, width: int, length: int) -> float:
    """Floating-point operations of one training token: 6·N + 12·layers·width·length (PaLM, appendix B).

    N counts the token embedding once, since a tied output head multiplies by it. Attention is counted whole, as there,
    although a causal kernel computes half of it. Recomputed activations are not counted.
    """
    return 6.0 * parameters + 12.0 * layers * width * length


def peak_flops(device_name: str) -> float | None:
    """The peak of a device by a name such as 'NVIDIA H100 80GB HBM3', None where it is not known."""
    return next((peak for name, peak in PEAK_FLOPS.items() if name in device_name), None)
