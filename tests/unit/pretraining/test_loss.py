"""The loss: never a batch's logits at once, and within documents where that is asked for."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from codeparrot.model.architecture import architecture
from codeparrot.model.weights import initialised_model
from codeparrot.pretraining.loss import summed_loss
from codeparrot.pretraining.parallel import NextTokenLoss, positions_within_documents
from tests.unit.pretraining.tiny_training import SETTINGS, TINY


@pytest.mark.parametrize("length", [2, 700, 1500])
def test_the_chunked_loss_and_its_gradients_are_those_of_whole_logits(length: int) -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(2, length, 8, requires_grad=True), torch.randn(50, 8, requires_grad=True)
    ids = torch.randint(0, 50, (2, length))
    logits = (hidden @ weight.T)[:, :-1].flatten(0, 1)
    expected = functional.cross_entropy(logits, ids[:, 1:].flatten(), reduction="sum")
    found = summed_loss(hidden, weight, ids, torch.float32)
    assert torch.allclose(found, expected, rtol=1e-5)
    gradients = zip(torch.autograd.grad(found, [hidden, weight]), torch.autograd.grad(expected, [hidden, weight]), strict=True)
    assert all(torch.allclose(one, two, atol=1e-3, rtol=1e-4) for one, two in gradients)


def test_positions_start_anew_after_an_end_token() -> None:
    ids = torch.tensor([[5, 0, 7, 8, 0, 0, 9], [0, 1, 2, 3, 4, 5, 6]])
    expected = [[0, 1, 0, 1, 2, 0, 0], [0, 0, 1, 2, 3, 4, 5]]
    assert positions_within_documents(ids, 0).tolist() == expected


def test_within_documents_the_loss_is_that_of_each_document_alone() -> None:
    torch.manual_seed(0)
    undropped = {**TINY, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    model = initialised_model(architecture(undropped, 300, 0), 1)
    documents = [[5, 6, 7, 0], [8, 0], [0], [9, 10, 11, 12, 13]]
    whole = torch.tensor([[number for document in documents for number in document]])
    alone = NextTokenLoss(model, replace(SETTINGS, within_documents=False))
    expected = sum(float(alone(torch.tensor([document])).detach()) for document in documents if len(document) > 1)
    assert float(alone(whole).detach()) != pytest.approx(expected, rel=1e-3)
    within = NextTokenLoss(model, replace(SETTINGS, within_documents=True))
    assert float(within(whole).detach()) == pytest.approx(expected, rel=1e-5)
