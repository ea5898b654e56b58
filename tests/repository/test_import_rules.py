"""The judge and the judged never lean on each other: the four contracts hold, and each breaks on one planted import."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.repository.checkout import ROOT, files

if TYPE_CHECKING:
    from collections.abc import Iterator

LINT_S = 60
"""A lint takes a second; a machine with far more work than cores takes ten times as long."""
LINE = re.compile(r"^(\d)\. .* (KEPT|BROKEN)$", re.MULTILINE)
CONTRACTS = {"1", "2", "3", "4"}
PLANTED = [
    ("1", "reference_gateway/edge/clock.py", "from gatespec.clock import POLL_MS"),
    ("1", "reference_gateway/core/window.py", "from gatespec.verdict import Verdict"),
    ("1", "flink_jobs/__init__.py", "import gatespec"),
    ("1", "dags/__init__.py", "import chaos"),
    ("2", "gatespec/checkers/windows.py", "from reference_gateway.core.window import Window"),
    ("2", "gatespec/verdict.py", "if TYPE_CHECKING:\n    import reference_gateway.conformance"),
    ("2", "properties/p08_sliding_window.py", "import reference_gateway.core.fields"),
    ("2", "contract_tests/__init__.py", "import dags"),
    ("2", "chaos/__init__.py", "import flink_jobs"),
    ("3", "reference_gateway/core/window.py", "import random"),
    ("3", "reference_gateway/core/limiter.py", "import time"),
    ("3", "reference_gateway/core/answers.py", "from django.http import HttpResponse"),
    ("3", "reference_gateway/core/query.py", "from reference_gateway.edge.settings import Settings"),
    ("4", "dags/__init__.py", "import reference_gateway.core.offer"),
    ("4", "flink_jobs/__init__.py", "import dags"),
    ("4", "reference_gateway/edge/ready.py", "import flink_jobs"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of every package that the contracts name, beside the same contracts."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]:
        for path in files(ROOT / package, ".py"):
            copied = folder / path.relative_to(ROOT)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copied)
    return folder


@pytest.fixture
def planted(copy: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The copy with one import more, for the time of a test."""
    file, line = request.param
    source = copy / file
    before = source.read_text(encoding="utf-8")
    source.write_text(f"{before}\n{line}\n", encoding="utf-8")
    yield copy
    source.write_text(before, encoding="utf-8")


def lint(folder: Path) -> tuple[dict[str, str], int]:
    """Each contract's state by its number, and the exit code."""
    program = Path(sys.executable).with_name("lint-imports")
    env = {**os.environ, "COLUMNS": "200"}  # a name that wraps would hide its state
    done = subprocess.run(
        [program, "--no-cache"], cwd=folder, env=env, capture_output=True, text=True, timeout=LINT_S, check=False
    )
    states = dict(LINE.findall(done.stdout))
    assert set(states) == CONTRACTS, done.stdout + done.stderr
    return states, done.returncode


def test_the_checkout_keeps_all_four_contracts() -> None:
    assert lint(ROOT) == (dict.fromkeys(CONTRACTS, "KEPT"), 0)


def test_the_unchanged_copy_keeps_them_too(copy: Path) -> None:
    assert lint(copy) == (dict.fromkeys(CONTRACTS, "KEPT"), 0)


@pytest.mark.parametrize(
    ("broken", "planted"),
    [(broken, (file, line)) for broken, file, line in PLANTED],
    ids=[f"{broken}-{file}-{line.split()[-1]}" for broken, file, line in PLANTED],
    indirect=["planted"],
)
def test_a_planted_import_breaks_exactly_its_contract(broken: str, planted: Path) -> None:
    states, code = lint(planted)
    assert {number for number, state in states.items() if state == "BROKEN"} == {broken}
    assert code == 1
