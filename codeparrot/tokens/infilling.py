"""Fill-in-the-middle: a share of the documents is rearranged so that a model learns to write what lies between two pieces.

Bavarian et al. 2022 (Efficient training of language models to fill in the middle): a document is cut at two characters
drawn uniformly; PSM puts prefix, suffix and middle in this order, each after its special token, SPM (their variant with
joint training) puts the suffix first and the prefix right before the middle.
"""

from dataclasses import dataclass

from codeparrot.chance import draw, uniform

PREFIX, MIDDLE, SUFFIX = "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"
SPECIAL_TOKENS = (PREFIX, MIDDLE, SUFFIX)


@dataclass(frozen=True)
class Infilling:
    """How documents are rearranged.

    Args:
        rate: Share of the training documents.
        spm: Share of those in the order suffix, prefix, middle.
        seed: Seed; with a document's name it decides.
    """

    rate: float = 0.0
    spm: float = 0.5
    seed: int = 1


def rearranged(text: str, identity: tuple[str, ...], settings: Infilling) -> list[tuple[str, str]]:
    """The document as (special token or "", text) pairs in the order in which they are encoded."""
    if uniform(settings.seed, "rearranged", *identity) >= settings.rate:
        return [("", text)]
    first, second = sorted(draw(settings.seed, cut, *identity) % (len(text) + 1) for cut in ("first cut", "second cut"))
    prefix, middle, suffix = text[:first], text[first:second], text[second:]
    if uniform(settings.seed, "order", *identity) < settings.spm:
        return [(PREFIX, ""), (SUFFIX, suffix), (MIDDLE, prefix + middle)]
    return [(PREFIX, prefix), (SUFFIX, suffix), (MIDDLE, middle)]
