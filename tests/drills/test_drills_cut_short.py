"""A drill that is cut short in the middle of its fault leaves nothing behind, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from gatespec.clock import until

if TYPE_CHECKING:
    from pathlib import Path

FAULTY = "10.0 s"
"""Redis goes after six to seven seconds of traffic, for six at least: in its tenth second it is away."""
BEGUN_MS, GONE_MS = 90_000, 30_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "said.log"
    argv = [sys.executable, "-m", "gatespec", "drill", "redis_gone", "--out", str(tmp_path / "out")]
    with log.open("w") as said, subprocess.Popen(argv, stdout=said, stderr=said) as drill:
        try:
            assert until(lambda: f"drilling redis_gone (seed 0), {FAULTY}" in log.read_text(), at_most_ms=BEGUN_MS)
            born = psutil.Process(drill.pid).children(recursive=True)
            assert len(born) > 2
            drill.send_signal(number)
            assert until(lambda: not any(child.is_running() for child in born), at_most_ms=GONE_MS)
        finally:
            drill.kill()
