"""Drawing tokens from a model's logits, so that the rounding of the logits hardly ever changes what is drawn.

Each token gets noise of its own, a hash of the draw's key and the token's id, and the largest sum of logit and noise is drawn
(the Gumbel-max trick). Where two runs' logits differ by rounding, the draw differs only if its two largest sums are as near to
each other; a search in the cumulated probabilities differs also where rounding changes their order.
"""

import numpy as np
import torch
from torch import Tensor

# Of a step's logits so many are sorted; all of them where these have not the share that is drawn from.
MOST_LIKELY = 256
# SplitMix64 (Steele, Lea and Flood 2014): increment, shifts and factors, as signed 64-bit integers, since torch shifts no others;
# cleaning's lexing.mixed is its last part for numpy.
INCREMENT = 0x9E3779B97F4A7C15 - 2**64
MIX = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64))
LAST_SHIFT = 31


def _shifted(bits: Tensor, places: int) -> Tensor:
    return (bits >> places).bitwise_and_(2 ** (64 - places) - 1)


def noise(keys: Tensor, tokens: Tensor) -> Tensor:
    """Gumbel noise, a function of key and token: what SplitMix64 seeded with the key gives at the place `token`.

    keys, tokens: int64, of shapes that broadcast; float64. The same on any device, but for the rounding of logarithms.
    """
    bits = keys + (tokens + 1) * INCREMENT
    for places, factor in MIX:
        bits.bitwise_xor_(_shifted(bits, places)).mul_(factor)
    bits.bitwise_xor_(_shifted(bits, LAST_SHIFT))
    uniform = _shifted(bits, 11).double().add_(0.5).mul_(2.0**-53)
    return uniform.log_().neg_().log_().neg_()


def _candidates(scaled: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of each row the values and ids of the likeliest `most` tokens, or of all, and the values in falling order."""
    if most < scaled.shape[-1]:
        values, tokens = scaled.topk(most)
        return values, tokens, values
    # numpy's vectorised sort takes a fifth of the time of torch's on a CPU.
    falling = scaled.sort(descending=True).values if scaled.is_cuda else -torch.from_numpy(np.sort(-scaled.numpy(), axis=-1))
    return scaled, torch.arange(most, device=scaled.device)[None], falling


def drawn(logits: Tensor, temperature: Tensor, top_p: Tensor, keys: Tensor) -> Tensor:
    """A token for each row: of the likeliest that together have at least `top_p` of the probability (Holtzman et al. 2020).

    logits: shape (rows, vocabulary), float32; the others: shape (rows,); a temperature of 0 takes the likeliest. `keys` are
    int64, one of its own for each draw.
    """
    scaled = logits / temperature.clamp(min=1e-6)[:, None].float()
    normaliser = torch.logsumexp(scaled, dim=-1, keepdim=True)
    chosen = logits.argmax(-1)
    vocabulary = logits.shape[-1]
    rows = torch.nonzero(temperature > 0)[:, 0]
    for most in sorted({min(MOST_LIKELY, vocabulary), vocabulary}):
        if not len(rows):
            break
        values, tokens, falling = _candidates(scaled[rows], most)
        cumulated = (falling - normaliser[rows]).double().exp().cumsum(-1)
        last = torch.searchsorted(cumulated, top_p[rows, None]).clamp(max=most - 1)
        sums = noise(keys[rows, None], tokens).add_(values).masked_fill_(values < falling.gather(1, last), -torch.inf)
        chosen[rows] = tokens.expand_as(values).gather(1, sums.argmax(-1, keepdim=True))[:, 0]
        rows = rows[cumulated[:, -1] < top_p[rows]]
    return chosen
