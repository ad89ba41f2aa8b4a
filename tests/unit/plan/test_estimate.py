"""What a training will take: the arithmetic behind plan.py and the resources of the rules."""

from dataclasses import replace

import pytest

from codeparrot.errors import PipelineError
from codeparrot.plan import read_plan
from codeparrot.plan.estimate import Machines, estimate, expected_speed, host_mib, link_minutes, size, updates_a_job
from tests.conftest import REPOSITORY

MACHINES = Machines("a100", job_hours=24, mfu=0.4, gpu_hour_price=2)
GPT2 = size({"model_type": "gpt2"}, 32768)


@pytest.mark.parametrize(
    ("architecture", "parameters"), [({}, 111_008_256), ({"n_layer": 48, "n_head": 25, "n_embd": 1600}, 1_529_628_800)]
)
def test_the_size_is_within_a_hundredth_of_the_counted_one(architecture: dict[str, int], parameters: int) -> None:
    assert size({"model_type": "gpt2", **architecture}, 32768).parameters == pytest.approx(parameters, rel=0.01)


def test_the_books_small_run_at_its_own_mfu_takes_the_books_day() -> None:
    # 29.49 billion tokens on 16 A100s at 5.3% of their peak: 24 hours.
    speed = expected_speed(GPT2, 1024, 16, replace(MACHINES, mfu=0.053))
    taken = estimate(111_000_000, [150_000], 192 * 1024, speed, 16, MACHINES)
    assert taken.hours == pytest.approx(24, rel=0.02)
    assert taken.price == pytest.approx(24 * 16 * 2, rel=0.02)


def test_a_link_fits_into_the_longest_job() -> None:
    speed, update = 200_000.0, 524_288
    updates = updates_a_job(speed, update, MACHINES)
    assert 0.8 * 24 < updates * update / speed / 3600 <= 0.9 * 24
    assert str(updates).rstrip("0") == str(updates)[:2].rstrip("0"), "a round number"
    assert link_minutes(updates, update, speed, MACHINES) == 24 * 60
    assert link_minutes(10, update, speed, MACHINES) < 60


def test_without_checkpoint_every_the_chain_follows_from_the_longest_job() -> None:
    def links(hours: float) -> int:
        model = read_plan(REPOSITORY / "config", {"job_hours": hours}).models["codeparrot-xl"]
        del model.settings["training"]["checkpoint_every"]
        return len(model.steps())

    assert links(24) == 2 and links(4) > 8


def test_a_node_has_memory_for_its_processes_and_a_checkpoint() -> None:
    assert host_mib(1_529_628_800, 16) > 16 * 4000 + 2 * 12 * 1_529_628_800 / 2**20 - 1


def test_a_gpu_without_a_known_peak_is_named() -> None:
    with pytest.raises(PipelineError, match=r"config: gpu: 'abacus': its peak is not known; expected one of h100, "):
        expected_speed(GPT2, 1024, 16, replace(MACHINES, gpu="abacus"))
