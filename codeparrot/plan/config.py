"""The config files: one YAML file a corpus, tokenizer and model, checked by JSON schema, its defaults filled in."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from codeparrot.errors import PipelineError

KINDS = {"corpus": "corpora", "tokenizer": "tokenizers", "model": "models"}
# The workflow's own, whatever folder the config files lie in.
ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config/schemas"
Settings = dict[str, dict[str, Any]]


class _UniqueKeys(yaml.CSafeLoader):  # type: ignore[misc]
    """Refuses a key that is given twice, which YAML would let the last one win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for node_of_key, _ in node.value:
            key = self.construct_object(node_of_key, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' is given twice", node_of_key.start_mark)
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(file: Path) -> Any:
    """The content of a YAML file; PipelineError names file and line of a syntax error."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PipelineError(f"{file}: not YAML: {str(error).replace(chr(10), ' ')}") from error


def _allowed(error: ValidationError) -> str:
    expected = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = sorted(set(error.instance) - set(known))
            return f"unknown key '{unknown[0]}' = {error.instance[unknown[0]]!r}; allowed: {', '.join(sorted(known))}"
        case "required":
            missing = [key for key in expected if key not in error.instance]
            return f"the key '{missing[0]}' is missing; it is required"
        case "enum":
            return f"{error.instance!r}: expected one of {', '.join(map(str, expected))}"
        case "type":
            return f"{error.instance!r}: expected {expected}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            words = {
                "minimum": "at least",
                "maximum": "at most",
                "exclusiveMinimum": "more than",
                "exclusiveMaximum": "less than",
            }
            return f"{error.instance!r}: expected {words[str(error.validator)]} {expected}"
        case _:
            return f"{error.message}"


def _properties(validator: Any, properties: dict[str, Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Fill in the defaults of keys that are not given, then check as usual (jsonschema's documentation, frequently asked)."""
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if "default" in subschema:
                instance.setdefault(key, deepcopy(subschema["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)


_Validator = extend(Draft202012Validator, {"properties": _properties})


def check(settings: Any, kind: str, file: Path) -> None:
    """Fill in the schema's defaults, or raise PipelineError naming file, key, value and what is allowed."""
    error = best_match(_Validator(read_yaml(SCHEMAS / f"{kind}.schema.yaml")).iter_errors(settings))
    if error:
        key = "".join(f"{part}: " for part in error.absolute_path)
        raise PipelineError(f"{file}: {key}{_allowed(error)}")


def merged(settings: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with what is given instead, key by key at every depth."""
    result = dict(settings)
    for key, value in given.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return result


def load(folder: Path) -> dict[str, Settings]:
    """All config files under `folder`, each checked by its schema: {"corpus": {name: settings}, "tokenizer": …, "model": …}."""
    found: dict[str, Settings] = {}
    for kind, place in KINDS.items():
        files = sorted((folder / place).glob("*.yaml"))
        found[kind] = {file.stem: read_yaml(file) for file in files}
        for file in files:
            check(found[kind][file.stem], kind, file)
    return found
