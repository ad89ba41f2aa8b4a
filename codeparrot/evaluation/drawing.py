"""Drawing tokens from a model's logits, by chances that the caller gives."""

import numpy as np
import torch
from torch import Tensor

# Of a step's logits so many are sorted; all of them where these have not the share that is drawn from.
MOST_LIKELY = 256


def _likeliest(scaled: Tensor, most: int) -> Tensor:
    """The likeliest `most` tokens of each row in falling order."""
    if most < scaled.shape[-1]:
        return scaled.topk(most).indices
    # numpy's vectorised sort takes a fifth of the time of torch's on a CPU.
    return scaled.argsort(descending=True) if scaled.is_cuda else torch.from_numpy(np.argsort(-scaled.numpy(), axis=-1))


def drawn(logits: Tensor, temperature: Tensor, top_p: Tensor, chances: Tensor) -> Tensor:
    """A token for each row: of the likeliest that together have at least `top_p` of the probability (Holtzman et al. 2020).

    logits: shape (rows, vocabulary), float32; the others: shape (rows,); a temperature of 0 takes the likeliest. `chances` are
    uniform in [0, 1): the token is where the cumulated probability passes them.
    """
    scaled = logits / temperature.clamp(min=1e-6)[:, None].float()
    normaliser = torch.logsumexp(scaled, dim=-1, keepdim=True)
    tokens = torch.empty(len(logits), dtype=torch.long, device=logits.device)
    rows = torch.arange(len(logits), device=logits.device)
    vocabulary = logits.shape[-1]
    for most in (min(MOST_LIKELY, vocabulary), vocabulary):
        found = _likeliest(scaled[rows], most)
        shares = (scaled[rows].gather(1, found) - normaliser[rows]).double().exp()
        cumulated = shares.cumsum(-1)
        last = torch.searchsorted(cumulated, top_p[rows, None]).clamp(max=most - 1)
        passed = chances[rows, None] * cumulated.gather(1, last)
        place = torch.minimum(torch.searchsorted(cumulated, passed, right=True), last) * (temperature[rows, None] > 0)
        tokens[rows] = found.gather(1, place)[:, 0]
        rows = rows[(cumulated[:, -1] < top_p[rows]) & (temperature[rows] > 0)]
        if not len(rows):
            break
    return tokens
