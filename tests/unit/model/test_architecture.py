"""The model: its size, its seeded weights, settings that it lacks."""

import pytest
import torch

from codeparrot.errors import PipelineError
from codeparrot.model.architecture import architecture, parameter_count
from codeparrot.model.weights import initialised_model
from tests.unit.pretraining.tiny_training import TINY


@pytest.mark.parametrize(
    ("shape", "parameters"), [({}, 111_008_256), ({"n_layer": 48, "n_head": 25, "n_embd": 1600}, 1_529_628_800)]
)
def test_the_books_models_have_the_books_size(shape: dict[str, int], parameters: int) -> None:
    with torch.device("meta"):
        model = initialised_model(architecture({"model_type": "gpt2", **shape}, 32768, 0), 1)
    assert parameter_count(model) == parameters
    assert (model.config.bos_token_id, model.config.eos_token_id) == (0, 0)


def test_the_seed_decides_the_initial_weights() -> None:
    one, two, other = (initialised_model(architecture(TINY, 300, 0), seed).state_dict() for seed in (1, 1, 2))
    name = "transformer.wte.weight"
    assert torch.equal(one[name], two[name]) and not torch.equal(one[name], other[name])


def test_a_setting_that_the_architecture_lacks_is_refused() -> None:
    with pytest.raises(PipelineError, match="architecture: n_layers: not a setting of model_type gpt2"):
        architecture({"model_type": "gpt2", "n_layers": 3}, 300, 0)
