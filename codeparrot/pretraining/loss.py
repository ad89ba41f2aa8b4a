"""Next-token cross-entropy that never holds the logits of a whole batch.

With a vocabulary of 32,768 the logits are by far the largest tensor of a step. Each chunk of positions makes its
logits, its loss and at once its gradients, and forgets the logits: the same result, a fraction of the memory (the idea
of Liger-Kernel's fused linear cross-entropy, in plain PyTorch).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CHUNK = 1024


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, hidden: Tensor, weight: Tensor, targets: Tensor, precision: torch.dtype, gradient: bool) -> Tensor:
        head = weight.to(precision)
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        hidden_gradient = torch.empty_like(hidden) if gradient else hidden.new_empty(0)
        weight_gradient = torch.zeros_like(weight) if gradient else weight.new_empty(0)
        for start in range(0, len(hidden), CHUNK):
            part = hidden[start : start + CHUNK].to(precision)
            wanted = targets[start : start + CHUNK]
            counted = (wanted >= 0).float()
            wanted = wanted.clamp(min=0)[:, None]
            # A row at a time while it is in the cache; logsumexp and a subtraction read all logits six times.
            logarithms = torch.log_softmax(part @ head.T, dim=-1, dtype=torch.float32)
            total -= (logarithms.gather(1, wanted)[:, 0] * counted).sum()
            if gradient:
                probabilities = logarithms.exp_()
                probabilities.scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=torch.float32))
                slope = probabilities.mul_(counted[:, None]).to(precision)
                hidden_gradient[start : start + CHUNK] = slope @ head
                weight_gradient += slope.T @ part
        context.save_for_backward(hidden_gradient, weight_gradient)
        return total

    @staticmethod
    def backward(context: Any, *outputs: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        hidden_gradient, weight_gradient = context.saved_tensors
        return hidden_gradient * outputs[0], weight_gradient * outputs[0], None, None, None


def summed_loss(hidden: Tensor, weight: Tensor, ids: Tensor, precision: torch.dtype, end_token: int | None = None) -> Tensor:
    """The sum in nats of the cross-entropy of every next token.

    Args:
        hidden: Last hidden states, shape (batch, length, width).
        weight: The output embedding, shape (vocabulary, width).
        ids: Token ids, shape (batch, length); position i predicts id i + 1, so length - 1 terms a sequence.
        precision: The dtype of the matrix products; sums are float32.
        end_token: With it, what follows an end token is not predicted, since it begins another document.
    """
    flat = hidden[:, :-1].reshape(-1, hidden.shape[-1])
    targets = ids[:, 1:]
    if end_token is not None:
        targets = targets.masked_fill(ids[:, :-1] == end_token, -1)
    apply: Callable[..., Tensor] = _LinearCrossEntropy.apply
    return apply(flat, weight, targets.reshape(-1), precision, torch.is_grad_enabled())
