"""Generation: what transformers' own loop writes, whatever the batch; each sample with chances of its own."""

import copy
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from codeparrot.errors import PipelineError
from codeparrot.evaluation import generation
from codeparrot.evaluation.drawing import drawn, noise
from codeparrot.evaluation.generation import Request, Sampling, Written, generate, load_generator
from codeparrot.model.architecture import architecture
from codeparrot.model.weights import initialised_model
from codeparrot.tokenizer.loading import load_tokenizer
from codeparrot.tokenizer.training import TokenizerSettings, train_tokenizer

GPT2 = {"model_type": "gpt2", "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2}
MODERN = {
    "model_type": "qwen3",
    "max_position_embeddings": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "intermediate_size": 64,
}
PROMPTS = ("def add(a, b):", "x", "import os\n\n\ndef path_of(name):\n    return os.", "")
GREEDY = Sampling(temperature=0, max_new_tokens=20)
WARM = Sampling(temperature=0.9, max_new_tokens=20)


@pytest.fixture(scope="module")
def tokenizer(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(iter(sources), TokenizerSettings(400)).save(str(file))
    return load_tokenizer(file)


@pytest.fixture(scope="module", params=["gpt2", "modern"])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    made = initialised_model(architecture({"gpt2": GPT2, "modern": MODERN}[request.param], 400, 0), 1)
    # Weights of an untrained model give nearly the same logits everywhere.
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
    return made.eval()


def write(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, requests: Sequence[Request], batch: int = 8
) -> list[Written]:
    found = dict(generate(model, tokenizer, requests, batch))
    return [found[number] for number in range(len(requests))]


def samples(prompts: Sequence[str], sampling: Sampling, count: int = 1, stops: tuple[str, ...] = ()) -> list[Request]:
    return [Request(prompt, (prompt, str(number)), stops, sampling) for prompt in prompts for number in range(count)]


def test_prompts_of_all_lengths_in_one_batch_are_completed_as_transformers_completes_each(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    written = write(model, tokenizer, samples(PROMPTS, GREEDY))
    for prompt, each in zip(PROMPTS, written, strict=True):
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]]])
        expected = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False, pad_token_id=tokenizer.eos_token_id
        )
        assert each.text == tokenizer.decode(expected[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("batch", [1, 3, 100, 1000])
def test_the_batch_changes_no_sample(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, batch: int) -> None:
    requests = samples(PROMPTS, WARM, 5, ("\n", "("))
    assert write(model, tokenizer, requests, batch) == write(model, tokenizer, requests, 8)


def test_in_bfloat16_as_on_a_gpu_the_batch_changes_few_samples(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    coarse = copy.deepcopy(model).to(torch.bfloat16)
    requests = samples(PROMPTS, WARM, 50)
    pairs = zip(write(coarse, tokenizer, requests, 64), write(coarse, tokenizer, requests, 7), strict=True)
    assert sum(one == other for one, other in pairs) >= 0.85 * len(requests)


def test_fewer_samples_than_an_eighth_of_the_batch_are_written_too(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    requests = samples(PROMPTS[:2], WARM)
    assert write(model, tokenizer, requests, 64) == write(model, tokenizer, requests, 1)


def test_a_sample_is_a_function_of_its_name_and_the_seed(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    requests = samples(PROMPTS[:1], WARM, 4)
    texts = [each.text for each in write(model, tokenizer, requests)]
    assert len(set(texts)) == 4
    assert [each.text for each in write(model, tokenizer, requests[::-1])] == texts[::-1]
    reseeded = [Request(each.prompt, each.identity, (), replace(WARM, seed=2)) for each in requests]
    assert not {each.text for each in write(model, tokenizer, reseeded)} & set(texts)


def test_room_in_the_cache_changes_nothing(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = samples(PROMPTS, WARM, 3)
    roomy = write(model, tokenizer, requests)
    monkeypatch.setattr(generation, "SPARE_COLUMNS", 1)
    assert write(model, tokenizer, requests) == roomy


def test_a_sample_ends_at_its_first_stop(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    (free,) = write(model, tokenizer, samples(PROMPTS[:1], WARM))
    stop = free.text[len(free.text) // 2 :][:3]
    (stopped,) = write(model, tokenizer, samples(PROMPTS[:1], WARM, 1, (stop,)))
    assert free.ended == "length" and free.tokens == 20
    assert stopped.ended == "stop" and stopped.tokens < 20 and free.text.startswith(stopped.text)
    (without_last,) = write(model, tokenizer, samples(PROMPTS[:1], replace(WARM, max_new_tokens=stopped.tokens - 1)))
    assert stop in stopped.text and stop not in without_last.text


def test_a_model_that_only_ends_writes_nothing(tokenizer: PreTrainedTokenizerFast) -> None:
    model = initialised_model(architecture(GPT2, 400, 0), 1).eval()
    with torch.no_grad():
        model.transformer.ln_f.weight.zero_()
        model.transformer.ln_f.bias.copy_(1000 * model.transformer.wte.weight[tokenizer.eos_token_id])
    assert write(model, tokenizer, samples(PROMPTS, WARM, 2)) == [Written("", 0, "end token", 0)] * 8


def test_a_prompt_longer_than_the_context_loses_its_beginning_and_says_so(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    long = "value = 1\n" * 40
    length = len(tokenizer(long)["input_ids"]) + 1
    (written,) = write(model, tokenizer, samples([long], replace(GREEDY, max_new_tokens=50)))
    assert written.prompt_cut == length - 32 and written.tokens <= 32


def draws(count: int, logits: Tensor, top_p: float = 1.0, temperature: float = 1.0) -> list[int]:
    """What so many draws with keys of their own give from the same logits."""
    ones = torch.ones(count, dtype=torch.float64)
    return drawn(logits.repeat(count, 1), temperature * ones, top_p * ones, torch.arange(count)).tolist()


def test_of_the_likeliest_tokens_those_are_drawn_from_that_together_have_the_share() -> None:
    logits = torch.tensor([0.05, 0.3, 0.15, 0.5]).log()
    assert set(draws(1000, logits, 0.79)) == {3, 1}
    assert set(draws(1000, logits)) == {0, 1, 2, 3}
    assert set(draws(1000, logits, temperature=0)) == {3}
    assert set(draws(1000, logits, temperature=1e-3)) == {3}


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    shares = [0.4, 0.3, 0.2, 0.1]
    counts = Counter(draws(20_000, torch.tensor(shares).log()))
    assert [counts[token] / 20_000 for token in range(4)] == pytest.approx(shares, abs=0.01)


def test_a_flat_distribution_is_drawn_from_beyond_the_likeliest_few() -> None:
    found = draws(2000, torch.linspace(0.01, 0.0, 5000), 0.95)
    assert np.mean(found) == pytest.approx(0.95 * 2500, rel=0.03) and 4600 < max(found) < 4770


def test_logits_that_are_rounded_otherwise_hardly_ever_give_another_token() -> None:
    chance = torch.Generator().manual_seed(1)
    logits, ones = 3 * torch.randn(4000, 2000, generator=chance), torch.ones(4000, dtype=torch.float64)
    # As far apart as bfloat16 sets them: the cumulated probabilities change the token of one draw in ten.
    others = logits + 0.01 * torch.randn(logits.shape, generator=chance)
    first, second = (drawn(each, 0.8 * ones, 0.95 * ones, torch.arange(4000)) for each in (logits, others))
    assert (first != second).float().mean() < 0.01


def test_noise_is_that_of_splitmix64_whose_published_first_numbers_for_1234567_are_these() -> None:
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    uniform = [((number >> 11) + 0.5) / 2**53 for number in published]
    found = noise(torch.tensor(1234567), torch.arange(5))
    assert found.tolist() == pytest.approx([-math.log(-math.log(each)) for each in uniform], rel=1e-12)


def test_a_folder_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    initialised_model(architecture(GPT2, 400, 0), 1).save_pretrained(tmp_path)
    with pytest.raises(PipelineError, match=r"tokenizer\.json: there is no such file; expected a model's tokenizer\.json"):
        load_generator(tmp_path, tmp_path / "tokenizer.json")
