"""The libraries that programs of the tests import, without this project's own: each program imports that from its checkout."""

import importlib
import sys

for module in ("snakemake.cli", "codeparrot.pretraining.loop", "codeparrot.evaluation.perplexity"):
    importlib.import_module(module)
for name in [name for name in sys.modules if name.partition(".")[0] == "codeparrot"]:
    del sys.modules[name]
