"""CodeParrot Pipeline: a code language model from raw files to a finished folder, every artefact made by one rule."""

import json
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

min_version("9.27")

ROOT = Path(workflow.basedir)
# The library of this checkout, whatever else is installed; and the interpreter that runs Snakemake runs the scripts.
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

from codeparrot import artefacts
from codeparrot.config import check, gpus_of, load
from codeparrot.errors import PipelineError
from codeparrot.staleness import code_digest, file_digest


configfile: "config/config.yaml"


try:
    check(config, ROOT / "config/schemas/config.schema.yaml", Path("config/config.yaml"))
    FOUND = load(Path("config"))
    if config["default_model"] not in FOUND["model"]:
        raise PipelineError(
            f"config/config.yaml: default_model: {config['default_model']!r}: expected one of {', '.join(FOUND['model'])}"
        )
except PipelineError as error:
    raise WorkflowError(str(error)) from None
for kind, settings in FOUND.items():
    for each in settings.values():
        validate(each, f"config/schemas/{kind}.schema.yaml")
CORPORA, TOKENIZERS, MODELS = FOUND["corpus"], FOUND["tokenizer"], FOUND["model"]


wildcard_constraints:
    corpus="|".join(CORPORA),
    tokenizer="|".join(TOKENIZERS),
    model="|".join(MODELS),
    split="train|valid",
    shard=r"\d{12}",
    part=r"\d{5}-of-\d{5}",
    step=r"\d{6}",


def digest(script):
    """The code trigger: what the script and the library modules that it imports say."""
    return code_digest(ROOT, f"scripts/{script}.py")


def as_json(settings):
    """Settings as one argument of a script; keys sorted, so that their order in a config file means nothing."""
    return json.dumps(settings, sort_keys=True)


include: "rules/corpus.smk"
include: "rules/clean.smk"
include: "rules/tokenizer.smk"
include: "rules/tokens.smk"
include: "rules/model.smk"
include: "rules/pretrain.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/release.smk"


rule all:
    input:
        artefacts.MODEL.format(model=config["default_model"]),
    default_target: True
