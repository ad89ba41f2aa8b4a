"""The libraries that programs of the tests import, without this project's own: each program imports that from its checkout."""

import importlib
import sys

from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

for module in ("snakemake.cli", "codeparrot.pretraining.loop", "codeparrot.evaluation.perplexity"):
    importlib.import_module(module)
for name in [name for name in sys.modules if name.partition(".")[0] == "codeparrot"]:
    del sys.modules[name]
# The executor asks a cluster about its jobs ever more rarely, up to every three minutes; tests ask every second.
RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)  # type: ignore[assignment]
