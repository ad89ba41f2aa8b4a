"""Figures of others that stand beside ours, with where they are from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRun:
    """A run of the book's figure 10-7, as drawn: training loss by tokens, and validation perplexity by tokens.

    Args:
        update_tokens: Tokens of an update.
        loss: (tokens, nats a token), a rolling mean over 1,000 logged steps.
        perplexity: (tokens, perplexity).
    """

    name: str
    update_tokens: int
    loss: tuple[tuple[float, float], ...]
    perplexity: tuple[tuple[float, float], ...]


_TOKENS = (1e9, 2e9, 3e9, 5e9, 7e9, 10e9, 15e9, 20e9, 25e9)
_SMALL = (4.796, 4.001, 3.617, 3.281, 3.124, 2.916, 2.774, 2.668, 2.607, 2.590)
_LARGE = (5.898, 3.688, 2.859, 2.574, 2.322, 2.194, 2.082, 2.027, 1.972, 1.895, 1.855, 1.826, 1.800, 1.786, 1.777, 1.7746)
# Values are read from the figure's vector paths.
FIGURE_10_7 = (
    PublishedRun(
        "the book's 111M",
        196_608,
        (*zip(_TOKENS, (2.114, 1.796, 1.676, 1.457, 1.359, 1.261, 1.169, 1.093, 1.042), strict=True), (29.49e9, 1.047)),
        tuple((15_000 * 196_608 * (number + 1), value) for number, value in enumerate(_SMALL)),
    ),
    PublishedRun(
        "the book's 1.5B",
        524_288,
        (*zip(_TOKENS, (2.380, 1.670, 1.422, 1.160, 0.940, 0.814, 0.709, 0.606, 0.662), strict=True), (26.21e9, 0.569)),
        tuple((3_125 * 524_288 * (number + 1), value) for number, value in enumerate(_LARGE)),
    ),
)


@dataclass(frozen=True)
class PublishedScore:
    """HumanEval pass@1, 10 and 100 of a model in percent, and who says so."""

    model: str
    scores: tuple[float, float, float]
    source: str


_CODEPARROT = "CodeParrot's README"
HUMANEVAL = (
    PublishedScore("CodeParrot 110M", (3.80, 6.57, 12.78), _CODEPARROT),
    PublishedScore("CodeParrot 1.5B", (3.99, 8.69, 17.88), _CODEPARROT),
    PublishedScore("CodeParrot 1.5B", (3.58, 8.03, 14.96), "PyCodeGPT's README and the Space code-generation-models"),
    PublishedScore("GPT-Neo 125M", (0.75, 1.88, 2.97), _CODEPARROT),
    PublishedScore("PyCodeGPT 110M", (8.32, 13.53, 18.3), "PyCodeGPT's README (100 samples)"),
    PublishedScore("Codex 85M", (8.22, 12.81, 22.40), "Chen et al. 2021"),
)
