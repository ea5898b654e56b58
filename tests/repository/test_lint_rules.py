"""Rules that a linter or a look at the tree must enforce: shown to bite on a planted violation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.checkout import ROOT, files

RUFF = Path(sys.executable).with_name("ruff")
RUFF_S = 60
LINES_MAX = 400
WRITTEN_BY_HAND = (".py", ".lua", ".sh", ".js", ".css", ".j2", ".md")
"""Data (TOML, YAML, JSON, CSV) is read by machines, and as long as what it lists."""
GENERATED = {"docs/traceability.md"}
CLOCK_MODULES = ("gatespec/clock.py", "reference_gateway/edge/clock.py")
LOOKS_AT_A_CLOCK = """\
import datetime as dates
import time
import time as t
from datetime import UTC, datetime
from time import sleep  # found here, as the call says nothing

time.time()
time.time_ns()
time.monotonic()
time.monotonic_ns()
time.perf_counter()
time.perf_counter_ns()
time.sleep(1)
t.time()
dates.datetime.now(UTC)
datetime.now(UTC)
datetime.utcnow()
"""


def lines_found(path: str, source: str) -> set[int]:
    """The lines of `source`, if it stood at `path` of the checkout, that break the clock rule."""
    done = subprocess.run(
        [RUFF, "check", "--select", "TID251", "--no-cache", "--output-format", "json", "--stdin-filename", path, "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        timeout=RUFF_S,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return {found["location"]["row"] for found in json.loads(done.stdout)}


@pytest.mark.parametrize("room", ["gatespec/engine", "reference_gateway/core", "properties", "dags", "tests/stack"])
def test_each_planted_look_at_a_clock_is_found(room: str) -> None:
    lines = LOOKS_AT_A_CLOCK.splitlines()
    looks = {number for number, line in enumerate(lines, 1) if "(" in line or "found here" in line}
    assert looks <= lines_found(f"{room}/planted.py", LOOKS_AT_A_CLOCK)


@pytest.mark.parametrize("module", CLOCK_MODULES)
def test_the_clock_modules_may_look(module: str) -> None:
    assert (ROOT / module).is_file()
    assert lines_found(module, LOOKS_AT_A_CLOCK) == set()


def too_long(root: Path) -> dict[str, int]:
    """Files written by hand that are longer than anybody reads, and how long they are."""
    names = {str(path.relative_to(root)): path for path in files(root, *WRITTEN_BY_HAND)}
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in names.items()}
    return {name: lines for name, lines in lengths.items() if lines > LINES_MAX and name not in GENERATED}


def test_no_file_is_longer_than_anybody_reads() -> None:
    assert too_long(ROOT) == {}


def test_a_planted_long_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("x = 1\n" * (LINES_MAX + 1))
    (tmp_path / "data.toml").write_text("# one\n" * (LINES_MAX + 1))
    (tmp_path / "fitting.py").write_text("x = 1\n" * LINES_MAX)
    assert too_long(tmp_path) == {"long.py": LINES_MAX + 1}
