"""A drill that is cut short in the middle of its fault leaves nothing behind, and the next one works."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from gatespec.clock import until
from gatespec.stack import born
from gatespec.stack.state import read
from gatespec.verdict import Verdict
from tests.drills.test_whole_drills import drilled, little

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatespec.stack.state import RunState

FAULTY = r"1[0-2]\.\d s"
"""What is lost goes in the seventh second of traffic, for six at least: from the tenth to the twelfth it is away."""
BEGUN_MS, GONE_MS = 120_000, 30_000


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of state files of this test's own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("GATESPEC_STATE_DIR", str(folder))
    return folder


def run_in(states: Path) -> RunState:
    (file,) = states.glob("*.json")
    state = read(file)
    assert state
    return state


def survivors(run: RunState, descendants: list[psutil.Process]) -> Iterator[psutil.Process]:
    """Who is left of a run: by its mark, or by descent, as the echo server beside it has no mark."""
    yield from (process for process in {*born.marked(run.id), *descendants} if born.is_alive(process))


@pytest.mark.parametrize(
    ("name", "number"),
    [("redis_gone", signal.SIGINT), ("redis_gone", signal.SIGKILL), ("redis_shard_killed", signal.SIGKILL)],
)
def test_nothing_is_left_and_the_next_drill_works(
    tmp_path: Path, states: Path, name: str, number: signal.Signals
) -> None:
    log, out = tmp_path / "said.log", tmp_path / "out"
    argv = [sys.executable, "-m", "gatespec", "drill", name, "--out", str(out)]
    with log.open("w") as said, subprocess.Popen(argv, stdout=said, stderr=said, env=os.environ) as drill:
        try:
            begun = re.compile(rf"drilling {name} \(seed 0\), {FAULTY}")
            assert until(lambda: begun.search(log.read_text()) is not None, at_most_ms=BEGUN_MS)
            run, descendants = run_in(states), psutil.Process(drill.pid).children(recursive=True)
            assert len(born.marked(run.id)) > 2
            drill.send_signal(number)
            assert until(lambda: not any(survivors(run, descendants)), at_most_ms=GONE_MS)
            assert until(lambda: not run.file.exists(), at_most_ms=GONE_MS)
        finally:
            drill.kill()
    assert not run.folder.exists()
    if number == signal.SIGKILL:
        again = drilled(out, little(tmp_path, ""))
        assert again.verdict is Verdict.HOLDS, again.reason
