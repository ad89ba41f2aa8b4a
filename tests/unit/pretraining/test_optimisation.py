"""The optimisers and their schedule."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from codeparrot.model.architecture import architecture
from codeparrot.model.weights import initialised_model
from codeparrot.pretraining.optimisation import optimizers, parameter_groups, schedule
from tests.unit.pretraining.tiny_training import SETTINGS, TINY


@given(st.integers(1, 50), st.integers(51, 500))
def test_the_rate_rises_to_its_peak_and_falls_and_is_never_zero(warmup: int, steps: int) -> None:
    settings = replace(SETTINGS, warmup_steps=warmup, steps=steps)
    rates = [schedule(step, settings) for step in range(steps)]
    assert min(rates) > 0 and max(rates) == rates[warmup - 1] == 1
    assert rates[:warmup] == sorted(rates[:warmup]) and rates[warmup:] == sorted(rates[warmup:], reverse=True)


def test_biases_and_normalisations_do_not_decay_and_every_parameter_has_one_group() -> None:
    model = initialised_model(architecture(TINY, 300, 0), 1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, plain = ({names[id(p)] for p in group["params"]} for group in parameter_groups(model, 0.1))  # type: ignore[attr-defined]
    assert plain == {name for name in names.values() if ".ln_" in name or name.endswith("bias")}
    assert decayed == set(names.values()) - plain and "transformer.wte.weight" in decayed


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest() -> None:
    model = initialised_model(architecture(TINY, 300, 0), 1)
    muon, adamw = optimizers(model, replace(SETTINGS, optimizer="muon"))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    taken = {names[id(each)] for group in muon.param_groups for each in group["params"]}
    assert taken == {f"transformer.h.0.{name}.weight" for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")}
    rest = {names[id(each)] for group in adamw.param_groups for each in group["params"]}
    assert rest | taken == set(names.values()) and not rest & taken
