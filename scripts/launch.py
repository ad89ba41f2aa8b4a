"""Start a script in all the processes of an accelerate config: on this machine, or on every node of a Slurm job.

    python scripts/launch.py config/accelerate/gpu-2x8.yaml scripts/pretrain.py --begin …

This is the one file that knows Slurm; the script that it starts finds its processes as `accelerate launch` sets them up.
The exit code is the script's own, so that a training which saved its state to go on later (75) is told from a failed one.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import yaml

# What Slurm tells about the step that this process is in would be taken for options of the step that it starts.
OF_THE_OUTER_STEP = re.compile(
    r"SLURM_(JOB_NODELIST|NODELIST|STEP.*|NNODES|JOB_NUM_NODES|N?TASKS.*|NPROCS|CPUS_PER_TASK|DISTRIBUTION|CPU_BIND.*|MEM_.*|"
    r"TRES_.*|GPUS.*)"
)


def start(layout: Path, command: list[str], options: list[str]) -> int:
    """Run `accelerate launch` on this machine and return the exit code of the script in `command`."""
    # Imported here, since it takes seconds that a launcher which only starts those of other nodes need not wait.
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    arguments = launch_command_parser().parse_args(["--config_file", str(layout), *options, *command])
    try:
        launch_command(arguments)
    except subprocess.CalledProcessError as error:
        return error.returncode if error.returncode >= 0 else 128 - error.returncode
    except ChildFailedError as error:
        return max(failure.exitcode for failure in error.failures.values()) if error.failures else 1
    except SignalException as error:
        return 128 + error.sigval
    return 0


def _said_by(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def on_every_node(layout: Path, command: list[str], machines: int) -> int:
    """Start this file once on every node of the Slurm job around it, the first node being the place of rendezvous."""
    job = os.environ["SLURM_JOB_ID"]
    found = re.search(r"^ +NodeList=(\S+)", _said_by("scontrol", "show", "job", job), re.MULTILINE)
    nodes = _said_by("scontrol", "show", "hostnames", found[1]).split() if found else []
    if len(nodes) != machines:
        sys.exit(
            f"error: {layout}: num_machines: {machines}, but Slurm job {job} has {len(nodes)} nodes: ask for nodes: {machines}"
        )
    address = re.search(r"NodeAddr=(\S+)", _said_by("scontrol", "show", "node", nodes[0]))
    # Jobs that share a node must not share a port.
    place = f"{address[1] if address else nodes[0]}:{20000 + int(job) % 20000}"
    threads = os.environ.get("SLURM_CPUS_PER_TASK", "1")
    step = ["srun", "--overlap", f"--nodes={machines}", f"--ntasks={machines}", "--ntasks-per-node=1", "--kill-on-bad-exit=1"]
    step += [f"--cpus-per-task={threads}"]
    environment = {name: value for name, value in os.environ.items() if not OF_THE_OUTER_STEP.fullmatch(name)}
    again = [sys.executable, __file__, "--rendezvous", place, str(layout), *command]
    return subprocess.run([*step, *again], env=environment, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layout", type=Path, help="an accelerate config: machines and processes")
    parser.add_argument("--rendezvous", metavar="HOST:PORT", help="given to each node's launcher by the first")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the script and its arguments")
    given = parser.parse_args()
    if not given.command or given.command[0].startswith("-"):
        parser.error(f"{' '.join(given.command) or 'nothing'} after {given.layout}: expected a script")
    # A warning that time runs out is for the script, which sets a handler; launchers above it would end at once.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    machines = int(yaml.safe_load(given.layout.read_text(encoding="utf-8"))["num_machines"])
    if given.rendezvous:
        host, port = given.rendezvous.rsplit(":", 1)
        rank = os.environ["SLURM_NODEID"]
        place = ["--machine_rank", rank, "--main_process_ip", host, "--main_process_port", port]
        return start(given.layout, given.command, place)
    if machines == 1:
        return start(given.layout, given.command, ["--main_process_port", "0"])
    if "SLURM_JOB_ID" not in os.environ:
        sys.exit(
            f"error: {given.layout}: num_machines: {machines}: no Slurm job is around this process to give them; use --profile "
            "slurm-a100, or start `accelerate launch` on each machine"
        )
    return on_every_node(given.layout, given.command, machines)


if __name__ == "__main__":
    sys.exit(main())
