"""Outlives the harness by a moment: when the harness is gone, however it went, its stack goes too.

Started by every stack as `python -m gatespec.stack.reaper STATE_FILE`, with a pipe on its standard input whose other
end only the harness holds. The kernel closes that end when the harness dies, also by SIGKILL. The kernel's own
parent-death signal would not do: it follows the thread that started the child, is lost when the user changes, ends no
grandchildren, and exists on Linux alone.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gatespec.stack import state
from gatespec.stack.environment import judge_environment

if TYPE_CHECKING:
    from gatespec.stack.state import RunState

LEAVE_S = 10.0
"""How long the reaper may take to see that nothing is left to do; it only has to be scheduled."""


class Reaper:
    """The harness' hold on its reaper."""

    def __init__(self, run: RunState, log: Path) -> None:
        with log.open("ab") as errors:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "gatespec.stack.reaper", str(run.file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd="/",
                env=judge_environment(),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._popen.pid

    def dismiss(self) -> None:
        """Let it go, when the run's state file is gone and nothing is left to reap."""
        if self._popen.stdin:
            with suppress(OSError):
                self._popen.stdin.close()
        try:
            self._popen.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(LEAVE_S)


def main() -> None:
    """Wait until the harness is gone, then end what it left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # it goes when its work is done, not before
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    left = state.read(Path(sys.argv[1]))
    if left is not None:
        state.end(left)


if __name__ == "__main__":
    main()
