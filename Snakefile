"""CodeParrot Pipeline: a code language model from raw files to a finished folder, every artefact made by one rule."""

import signal
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

min_version("9.27")

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))

from codeparrot import artefacts
from codeparrot.config import check, load
from codeparrot.errors import PipelineError
from codeparrot.estimate import Machines
from codeparrot.plan import Plan, as_json, use_checkout
from codeparrot.staleness import code_digest

use_checkout(ROOT)
# A cluster's warning that a job's time runs out reaches every process of the job. It is meant for the training, which
# saves its state; Snakemake, which runs the job, would end at once.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


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
machines = Machines(config["gpu"], config["job_hours"], config["mfu"], config["gpu_hour_price"])
plan = Plan(Path("config"), FOUND["corpus"], FOUND["tokenizer"], FOUND["model"], machines)
# What a rule's result depends on besides inputs and settings: the code that its script runs.
digest = partial(code_digest, ROOT)


wildcard_constraints:
    corpus="|".join(plan.corpora),
    tokenizer="|".join(plan.tokenizers),
    model="|".join(plan.models),
    split="train|valid",
    shard=r"\d{12}",
    part=r"\d{5}-of-\d{5}",
    step=r"\d{6}",


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
    default_target: True
    input:
        artefacts.MODEL.format(model=config["default_model"]),
