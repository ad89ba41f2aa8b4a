"""Make .venv, or the folder that is named, from requirements.lock, or leave it alone where it is right already."""

import hashlib
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / (sys.argv[1] if sys.argv[1:] else ".venv")
MARK = FOLDER / "made-from"


def main() -> None:
    if sys.version_info < (3, 11):
        sys.exit(f"error: Python {sys.version.split()[0]}: expected 3.11 or newer; run: make PYTHON=python3.11 …")
    lock = ROOT / "requirements.lock"
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version.split()[0]} {ROOT}\n"
    if MARK.is_file() and MARK.read_text() == wanted:
        return
    torch = re.search(r"^#: (torch==\S+)$", lock.read_text(), re.MULTILINE)
    if not torch:
        sys.exit(f"error: {lock}: no line '#: torch==VERSION'; restore it")
    print(f"making {FOLDER} from {lock.name}: some minutes, once", flush=True)
    venv.create(FOLDER, with_pip=True, clear=True)
    pip: list[str | Path] = [FOLDER / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "--requirement", lock], check=True)
    # Its wheel differs by platform, so it is not hashed; what it needs is there already, but for CUDA's libraries.
    subprocess.run([*pip, torch[1]], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], check=True)
    MARK.write_text(wanted)


main()
