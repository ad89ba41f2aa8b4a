"""CodeParrot Pipeline: a code language model from raw files to a finished folder, every artefact made by one rule."""

import gc
import signal
import sys
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.27")

# Where this file lies, also when another workflow includes it as a module.
ROOT = workflow.current_basedir.get_path_or_uri(secret_free=True)
sys.path.insert(0, ROOT)

from codeparrot import numbering
from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts, as_json, config_folder, each_attempt, read_plan, use_checkout
from codeparrot.plan.artefacts import log_of, timing_of
from codeparrot.plan.staleness import code_digest

use_checkout()
# A plan of thousands of jobs makes millions of objects that stay; looking for garbage among them took a sixth of its time.
gc.set_threshold(100_000, 20, 100)
# A cluster's warning that a job's time runs out reaches every process of the job. It is meant for the training, which
# saves its state; Snakemake, which runs the job, would end at once.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


configfile: str(config_folder() / "config.yaml")


try:
    # A workflow that includes this one as a module may give some of the settings itself; the others are those of the file.
    plan = read_plan(config_folder(), config)
except PipelineError as error:
    raise WorkflowError(str(error)) from None

# What a rule's result depends on besides inputs and settings: the code that its script runs.
digest = partial(code_digest, Path(ROOT))


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
        artefacts.MODEL.format(model=plan.settings["default_model"]),
