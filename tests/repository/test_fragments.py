"""The changelog's fragments can be built, and say one thing each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.checkout import ROOT

BUILD_S = 60
FRAGMENTS = sorted(path for path in (ROOT / "changes").glob("*.md") if path.name != "README.md")
KINDS = {"added", "changed", "fixed"}


def draft() -> str:
    program = Path(sys.executable).with_name("towncrier")
    done = subprocess.run(
        [program, "build", "--draft", "--version", "0.0.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_changelog_can_be_built_and_holds_each_fragment() -> None:
    built = draft()
    assert [path.name for path in FRAGMENTS if path.read_text(encoding="utf-8").strip() not in built] == []


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_one_line_of_a_known_kind(path: Path) -> None:
    _, kind, _ = path.name.split(".")
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert path.name.startswith("+")
    assert kind in KINDS
    assert line.endswith(".")
