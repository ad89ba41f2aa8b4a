"""Benchmarks: what they ask, samples that survive a kill, verdicts, pass@k; and BLEU beside the pass rate."""

import itertools
import math
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import orjson
import pytest

from codeparrot.errors import PipelineError
from codeparrot.evaluation import samples as sampling
from codeparrot.evaluation.bleu import compare, near_copies, renamed, same
from codeparrot.evaluation.generation import Request
from codeparrot.evaluation.isolation import Limits
from codeparrot.evaluation.samples import sample_part
from codeparrot.evaluation.sandbox import check_trials
from codeparrot.evaluation.scores import estimates, interval, pass_at_k, score, score_parts
from codeparrot.evaluation.verdicts import check_part, trial
from codeparrot.problems import BENCHMARKS, BenchmarkSettings
from codeparrot.tokenizer.loading import load_tokenizer
from tests.checkpoints import write_untrained
from tests.conftest import json_lines

needs_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
SETTINGS = BenchmarkSettings(problems=3, samples=2, temperatures=(0.2, 0.8), max_new_tokens=6)


@pytest.fixture(scope="module")
def checkpoint(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tokenizer.json and the weights of a model that knows nothing."""
    folder = tmp_path_factory.mktemp("checkpoint")
    write_untrained(folder, sources, {"model_type": "gpt2", "n_positions": 64, "n_embd": 16, "n_layer": 1, "n_head": 2})
    return folder


def sample(checkpoint: Path, output: Path, part: int = 0, parts: int = 1, settings: BenchmarkSettings = SETTINGS) -> list[Any]:
    sample_part(checkpoint, checkpoint / "tokenizer.json", "humaneval", settings, part, parts, 5, "transformers", output)
    return json_lines(output)


@needs_bubblewrap
def test_all_canonical_solutions_pass_and_with_a_wrong_answer_none_does() -> None:
    problems = BENCHMARKS["humaneval"](None)
    right = [trial(problem, problem.solution) for problem in problems]
    wrong = [
        replace(each, program=f"{each.program}\n_right = {name}\ndef {name}(*given): return [_right(*given)]\n")
        for each in right
        for name in each.names
    ]
    verdicts = list(check_trials([*right, *wrong], Limits(), "isolated", 2))
    assert [verdict.passed for verdict in verdicts] == [True] * 164 + [False] * 164


def test_parts_together_are_the_whole(checkpoint: Path, tmp_path: Path) -> None:
    whole = sample(checkpoint, tmp_path / "whole.jsonl")
    parts = [row for part in range(2) for row in sample(checkpoint, tmp_path / f"{part}.jsonl", part, 2)]

    def key(row: dict[str, Any]) -> tuple[str, float, int]:
        return row["task_id"], row["temperature"], row["sample"]

    assert len(whole) == 3 * 2 * 2 and sorted(parts, key=key) == sorted(whole, key=key)


def test_a_killed_job_goes_on_with_what_it_had(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = sample(checkpoint, tmp_path / "straight.jsonl")
    generate = sampling.generate
    asked: list[int] = []

    def killed(model: Any, tokenizer: Any, requests: Sequence[Request], batch: int) -> Iterator[Any]:
        asked.append(len(requests))
        yield from itertools.islice(generate(model, tokenizer, requests, batch), 5)
        raise KeyboardInterrupt

    monkeypatch.setattr(sampling, "generate", killed)
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, tmp_path / "killed.jsonl")
    rolling = tmp_path / ".killed.jsonl.rolling"
    assert not (tmp_path / "killed.jsonl").exists() and len(rolling.read_bytes().splitlines()) == 6
    rolling.write_bytes(rolling.read_bytes()[:-9])  # killed while it wrote a line
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, tmp_path / "killed.jsonl")
    monkeypatch.setattr(sampling, "generate", generate)
    assert sample(checkpoint, tmp_path / "killed.jsonl") == straight
    assert asked == [12, 8] and not rolling.exists()


def test_samples_of_other_settings_are_begun_anew(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.jsonl.rolling").write_text('another fingerprint\n{"number": 0, "task_id": "made up"}\n')
    assert {row["task_id"] for row in sample(checkpoint, tmp_path / "out.jsonl")} == {f"HumanEval/{n}" for n in range(3)}


def test_vllm_is_given_the_same_prompts_and_settings_and_a_seed_of_each_sample(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This stands in for the part of vLLM that is used; tests/services/test_vllm.py asks vLLM itself.
    (checkpoint / "optimizer.safetensors").touch()
    asked: list[tuple[str, list[int], dict[str, Any]]] = []
    left: list[SimpleNamespace] = []

    class Engine:
        model_config = SimpleNamespace(max_model_len=64)

        @classmethod
        def from_engine_args(cls, given: dict[str, Any]) -> "Engine":
            files = {file.name for file in Path(given["model"]).iterdir()}
            assert files == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}
            assert (given["trust_remote_code"], given["dtype"]) == (False, "float32")
            return cls()

        def add_request(self, name: str, prompt: dict[str, list[int]], parameters: dict[str, Any]) -> None:
            ids, why = ([40, 41, 0], None) if len(left) % 2 else ([40, 41], "\ndef")
            written = SimpleNamespace(text="not read", token_ids=ids, finish_reason="stop", stop_reason=why)
            asked.append((name, prompt["prompt_token_ids"], parameters))
            left.append(SimpleNamespace(request_id=name, finished=True, outputs=[written]))

        def has_unfinished_requests(self) -> bool:
            return bool(left)

        def step(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(request_id=left[-1].request_id, finished=False), left.pop()]

    engine = ModuleType("vllm")
    engine.LLMEngine, engine.SamplingParams, engine.EngineArgs = Engine, dict, dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", engine)
    output = tmp_path / "samples.jsonl"
    sample_part(checkpoint, checkpoint / "tokenizer.json", "humaneval", SETTINGS, 0, 1, 5, "vllm", output)
    rows = json_lines(output)
    text = load_tokenizer(checkpoint / "tokenizer.json").decode([40, 41])
    assert [(row["ended"], row["tokens"], row["written"]) for row in rows[:2]] == [("stop", 2, text), ("end token", 2, text)]
    assert len({parameters["seed"] for _, _, parameters in asked}) == 12 and all(ids for _, ids, _ in asked)
    first = asked[0][2]
    assert (first["temperature"], first["max_tokens"], first["top_p"]) == (0.2, 6, 0.95) and "\ndef" in first["stop"]


def test_vllm_that_is_not_installed_is_named(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(PipelineError, match=r"evaluation: backend: 'vllm': .*make vllm"):
        sample_part(checkpoint, checkpoint / "tokenizer.json", "humaneval", SETTINGS, 0, 1, 5, "vllm", tmp_path / "samples.jsonl")


@needs_bubblewrap
def test_samples_keep_their_text_and_get_a_verdict(tmp_path: Path) -> None:
    row = {"temperature": 0.2, "written": "x", "tokens": 1, "ended": "stop", "prompt_cut": 0}
    texts = [BENCHMARKS["humaneval"](None)[0].solution, "\n    return None", "\n    while True: pass"]
    rows = [{"task_id": "HumanEval/0", "sample": number, "completion": text, **row} for number, text in enumerate(texts)]
    (tmp_path / "samples.jsonl").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in rows))
    output = tmp_path / "verdicts.jsonl"
    check_part(tmp_path / "samples.jsonl", "humaneval", SETTINGS, Limits(seconds=1), "isolated", 1, output)
    checked = json_lines(output)
    assert [each["passed"] for each in checked] == [True, False, False]
    assert [{key: each[key] for key in rows[0]} for each in checked] == rows
    score_parts([output], tmp_path / "scores.json")
    scores = orjson.loads((tmp_path / "scores.json").read_bytes())
    assert scores["best"]["pass@1"]["value"] == pytest.approx(1 / 3)
    assert scores["tasks"] == {"HumanEval/0": {"0.2": 1}} and scores["reasons"]["passed"] == 1


def test_without_a_sandbox_nothing_runs_the_samples_are_kept_and_the_scores_say_so(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sample(checkpoint, tmp_path / "samples.jsonl")
    monkeypatch.setenv("PATH", str(tmp_path))
    check_part(tmp_path / "samples.jsonl", "humaneval", SETTINGS, Limits(), "isolated", 1, tmp_path / "verdicts.jsonl")
    checked = json_lines(tmp_path / "verdicts.jsonl")
    assert [each["written"] for each in checked] == [each["written"] for each in rows]
    assert {each["passed"] for each in checked} == {None}
    found = score(checked)
    assert found["status"].startswith("not run: no sandbox: ") and found["best"] == {} and found["problems"] == 3


@pytest.mark.parametrize(
    ("samples", "correct", "k", "expected"), [(5, 0, 1, 0.0), (5, 1, 1, 0.2), (5, 2, 2, 0.7), (5, 4, 2, 1.0), (2, 1, 1, 0.5)]
)
def test_pass_at_k_is_the_share_of_draws_with_a_correct_sample(samples: int, correct: int, k: int, expected: float) -> None:
    assert pass_at_k(samples, correct, k) == pytest.approx(expected)
    assert pass_at_k(samples, correct, k) == pytest.approx(1 - math.comb(samples - correct, k) / math.comb(samples, k))


def test_only_k_up_to_the_number_of_samples_is_estimated_and_an_interval_holds_the_value() -> None:
    found = estimates([(10, 10), (10, 0), (10, 1), (10, 0)])
    assert set(found) == {"pass@1", "pass@10"}
    assert found["pass@1"]["value"] == pytest.approx(0.275) and found["pass@10"]["value"] == 0.5
    assert 0 <= found["pass@1"]["low"] < 0.275 < found["pass@1"]["high"] <= 1


def test_an_interval_has_a_width_also_where_nothing_or_everything_passes() -> None:
    # Newcombe 1998, table I: 0 of 20 and 29 of 29.
    assert interval(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert interval(1.0, 29) == pytest.approx((0.8830, 1.0), abs=1e-4)
    assert interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_the_best_temperature_is_taken_for_each_k_and_all_are_reported() -> None:
    row = {"reason": "", "tokens": 1, "ended": "stop", "prompt_cut": 0}
    # At 0.2 one of two problems passes always, at 0.8 both do, at times.
    rows = [
        {"task_id": task, "temperature": heat, "sample": number, "passed": passes(number), **row}
        for heat, task, passes in (
            (0.2, "a", lambda number: number < 8),
            (0.2, "b", lambda number: False),
            (0.8, "a", lambda number: number == 0),
            (0.8, "b", lambda number: number == 0),
        )
        for number in range(10)
    ]
    found = score(rows)
    assert {k: (best["value"], best["temperature"]) for k, best in found["best"].items()} == {
        "pass@1": (pytest.approx(0.4), 0.2),
        "pass@10": (1.0, 0.8),
    }
    assert found["temperatures"]["0.8"]["pass@1"]["value"] == pytest.approx(0.1)


@needs_bubblewrap
def test_bleu_marks_down_right_programs_with_other_names_and_hardly_wrong_ones() -> None:
    solution, other_names, changed, wrong = compare(BENCHMARKS["humaneval"](None)[:24], Limits(), "isolated", 2)
    assert (solution.passed, other_names.passed, wrong.passed) == (1.0, 1.0, 0.0)
    assert solution.bleu == pytest.approx(100) and other_names.bleu < 75 < wrong.bleu
    assert changed.passed is not None and changed.passed < 0.2


def test_renaming_and_changing_are_one_step_from_the_solution() -> None:
    problem = BENCHMARKS["humaneval"](None)[0]
    assert "enumerate(numbers)" in renamed(problem) and "value_1" in renamed(problem) and "idx" not in renamed(problem)
    assert all(copy != same(problem) for copy in near_copies(problem)) and len(set(near_copies(problem))) > 5
