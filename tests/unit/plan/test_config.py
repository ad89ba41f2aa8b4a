"""A mistake in a config file gives one message that names file, key, value and what is allowed."""

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeparrot.errors import PipelineError
from codeparrot.plan import evaluation, read_plan
from tests.conftest import REPOSITORY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    return tmp_path / "config"


def change(file: Path, *keys: str, value: object) -> None:
    settings = yaml.safe_load(file.read_text())
    inner = settings
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    file.write_text(yaml.safe_dump(settings))


def test_the_projects_own_config_is_valid() -> None:
    models = read_plan(REPOSITORY / "config", {}).models
    assert {"codeparrot-demo", "codeparrot-small", "codeparrot-xl"} <= set(models)


MODEL = "models/codeparrot-demo.yaml"


@pytest.mark.parametrize(
    ("file", "keys", "value", "message"),
    [
        (MODEL, ("training", "learning_rte"), 1, r"training: unknown key 'learning_rte' = 1; allowed: beta1, .*learning_rate"),
        (MODEL, ("training", "steps"), "many", r"training: steps: 'many': expected integer"),
        (MODEL, ("training", "learning_rate"), -1, r"training: learning_rate: -1: expected more than 0"),
        (MODEL, ("training", "precision"), "fp8", r"training: precision: 'fp8': expected one of fp32, bf16"),
        (MODEL, ("corpus",), "nowhere", r"corpus: 'nowhere': there is no such corpus; expected one of demo"),
        (
            MODEL,
            ("tokenizer",),
            "nowhere",
            r"tokenizer: 'nowhere': there is no such tokenizer; expected one of codeparrot-code, ",
        ),
        (MODEL, ("launch",), "nowhere", r"launch: 'nowhere': there is no such launch; expected one of cpu, gpu-16"),
        (MODEL, ("training", "sequence_length"), 512, r"training: sequence_length: 512: expected at most n_positions = 256"),
        (MODEL, ("training", "warmup_steps"), 601, r"training: warmup_steps: 601: expected at most steps = 600"),
        (
            "models/codeparrot-xl.yaml",
            ("training", "global_batch"),
            100,
            r"training: global_batch: 100: expected a multiple of the 16 processes",
        ),
        ("corpora/demo.yaml", ("source", "kind"), "ftp", r"source: kind: 'ftp': expected one of installed-packages"),
        ("corpora/demo.yaml", ("split", "valid_share"), 1, r"split: valid_share: 1: expected less than 1"),
        (MODEL, ("training", "checkpoint_every"), 0, r"training: checkpoint_every: 0: expected at least 1"),
        ("tokenizers/demo.yaml", ("vocabulary",), 256, r"vocabulary: 256: expected at least 257"),
        ("tokenizers/demo.yaml", ("corpus",), "nowhere", r"corpus: 'nowhere': there is no such corpus"),
        ("tokenizers/demo.yaml", ("pre_tokenizer",), "words", r"pre_tokenizer: 'words': expected one of gpt2, code"),
        ("tokenizers/demo.yaml", ("import",), "gpt2", r"unknown key 'corpus' = 'demo'; allowed: import"),
        ("tokenizers/codeparrot.yaml", ("analysis", "compare"), ["t5"], r"analysis: compare: tokenizer: 't5': there is no such"),
        (MODEL, ("tokenizer",), "gpt2", r"tokenizer: 'gpt2': there is no such tokenizer; expected one of codeparrot-code, "),
    ],
)
def test_a_wrong_value_is_named(folder: Path, file: str, keys: tuple[str, ...], value: object, message: str) -> None:
    change(folder / file, *keys, value=value)
    with pytest.raises(PipelineError, match=f"{re.escape(file)}: {message}"):
        read_plan(folder, {})


def test_a_missing_key_is_named(folder: Path) -> None:
    (folder / "tokenizers/demo.yaml").write_text("corpus: demo\n")
    with pytest.raises(PipelineError, match=r"tokenizers/demo\.yaml: the key 'vocabulary' is missing"):
        read_plan(folder, {})


@pytest.mark.parametrize(("text", "message"), [("a: [", "not YAML"), ("corpus: demo\ncorpus: demo\n", "'corpus' is given twice")])
def test_a_file_that_is_not_yaml_is_named(folder: Path, text: str, message: str) -> None:
    (folder / "tokenizers/demo.yaml").write_text(text)
    with pytest.raises(PipelineError, match=f"tokenizers/demo.yaml: .*{message}"):
        read_plan(folder, {})


def test_a_model_cannot_take_the_name_of_another_artefacts_folder(folder: Path) -> None:
    shutil.copy(folder / MODEL, folder / "models/tokens.yaml")
    with pytest.raises(PipelineError, match=r"models/tokens\.yaml: a model cannot be called 'tokens'"):
        read_plan(folder, {})


def test_the_container_installs_the_lock_file_itself() -> None:
    recipe = (REPOSITORY / "envs/Containerfile").read_text()
    conda = yaml.safe_load((REPOSITORY / "envs/codeparrot.yaml").read_text())["dependencies"]
    assert "COPY requirements.lock" in recipe and "RUN python envs/make_venv.py" in recipe and "pip install" not in recipe
    assert re.findall(r"^FROM python:([\d.]+)", recipe, re.MULTILINE) == [conda[0].split("=")[-1]]


def test_profiles_name_rules_that_there_are() -> None:
    rules = {
        name for file in (REPOSITORY / "rules").glob("*.smk") for name in re.findall(r"^rule (\w+):", file.read_text(), re.M)
    }
    for profile in (REPOSITORY / "profiles").glob("*/config.yaml"):
        settings = yaml.safe_load(profile.read_text())
        arrays = settings.get("slurm-array-jobs", "").split(",")
        assert {*settings.get("set-resources", {}), *filter(None, arrays)} <= rules, profile


def test_every_pin_is_that_of_the_lock_file() -> None:
    lock = dict(re.findall(r"^(?:#: )?([\w.-]+)==([^\s\\]+)", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((REPOSITORY / "envs/codeparrot.yaml").read_text())["dependencies"][-1]["pip"]
    vllm = re.findall(r"^\S+==\S+", (REPOSITORY / "envs/vllm.txt").read_text(), re.MULTILINE)
    pins = [*project["dependencies"], *project["optional-dependencies"]["dev"], *conda, *vllm]
    for pin in pins:
        name, version = re.sub(r"\[.*\]", "", pin).split("==")
        assert lock[name] == version, pin
    assert {re.split(r"[=\[]", pin)[0] for pin in project["dependencies"]} == {re.split(r"[=\[]", pin)[0] for pin in conda}


def test_vllm_without_its_environment_is_refused_with_what_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = read_plan(REPOSITORY / "config", {}).models["codeparrot-demo"].evaluation
    evaluated.settings["backend"] = "vllm"
    monkeypatch.setattr(evaluation, "ROOT", tmp_path)
    with pytest.raises(PipelineError, match=r"codeparrot-demo\.yaml: evaluation: backend: 'vllm': .*run `make vllm`"):
        evaluated.python()
    (tmp_path / ".venv-vllm/bin").mkdir(parents=True)
    (tmp_path / ".venv-vllm/bin/python").touch()
    assert evaluated.python() == '"$CODEPARROT/.venv-vllm/bin/python"'


def defaults(schema: dict[str, Any]) -> Iterator[str]:
    """The keys of a schema that have a default other than an empty one."""
    for key, inner in schema.get("properties", {}).items():
        if "default" in inner and inner["default"] not in ({}, []):
            yield key
        yield from defaults(inner)
    for inner in (*schema.get("$defs", {}).values(), *([schema["else"]] if "else" in schema else [])):
        yield from defaults(inner)


def test_a_default_of_a_schema_is_said_in_no_script_again() -> None:
    schemas = [yaml.safe_load(file.read_text()) for file in sorted((REPOSITORY / "config/schemas").glob("*.yaml"))]
    keys = {key for schema in schemas for key in defaults(schema)}
    assert {"quarantine", "compare", "parts", "sequences", "batch"} <= keys
    for script in sorted((REPOSITORY / "scripts").glob("*.py")):
        (function,) = [
            node for node in ast.parse(script.read_text()).body if isinstance(node, ast.FunctionDef) and node.name == "main"
        ]
        given = function.args.args[len(function.args.args) - len(function.args.defaults) :]
        assert not {argument.arg for argument in given} & keys, script
