"""docs/map.md says what the rules are."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY


def test_the_map_is_what_its_script_writes(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/draw_map.py", "--output", str(tmp_path / "map.md")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "map.md").read_text() == (REPOSITORY / "docs/map.md").read_text(), "run: python scripts/draw_map.py"
