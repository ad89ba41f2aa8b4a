"""CodeParrot Pipeline: a code language model from raw files to a finished folder, every artefact made by one rule."""

import gc
import signal
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, validate

min_version("9.27")

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))

from codeparrot import artefacts, numbering
from codeparrot.errors import PipelineError
from codeparrot.plan import as_json, read_plan, use_checkout
from codeparrot.staleness import code_digest

use_checkout(ROOT)
# A plan of thousands of jobs makes millions of objects that stay; looking for garbage among them took a sixth of its time.
gc.set_threshold(100_000, 20, 100)
# A cluster's warning that a job's time runs out reaches every process of the job. It is meant for the training, which
# saves its state; Snakemake, which runs the job, would end at once.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


configfile: "config/config.yaml"


try:
    plan = read_plan(Path("config"), config)
except PipelineError as error:
    raise WorkflowError(str(error)) from None
for kind, found in (("corpus", plan.corpora), ("tokenizer", plan.tokenizers), ("model", plan.models)):
    for settings in found.values():
        validate(settings, f"config/schemas/{kind}.schema.yaml")
# What a rule's result depends on besides inputs and settings: the code that its script runs.
digest = partial(code_digest, ROOT)


wildcard_constraints:
    corpus="|".join(plan.corpora),
    tokenizer="|".join(plan.tokenizers),
    model="|".join(plan.models),
    split="train|valid",
    shard=r"\d{12}",
    part=r"\d{5}-of-\d{5}",
    partition=r"\d{5}-of-\d{5}",
    step=r"\d{6}",
    benchmark="[a-z]+",


# On a cluster these run where Snakemake does: they read small JSON files for seconds, less than a job waits in a queue.
localrules:
    index_tokens,
    score_benchmark,
    report_model,


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
