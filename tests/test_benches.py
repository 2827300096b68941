"""Every benchmark runs in its small form and ends with its one line; targets are for quiet machines."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_ends_with_its_figure(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", "--small"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr[-2000:]
    assert re.fullmatch(rf"{name}: [0-9.]+ .+ \(target .+\)", done.stdout.splitlines()[-1]), done.stdout[-2000:]
