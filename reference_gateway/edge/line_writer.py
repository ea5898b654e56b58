"""Lines on their way to stdout: handed to a thread, because whoever reads them may stall, and the gateway must not."""

from __future__ import annotations

import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LINES_MAX: Final = 50_000
"""Lines that wait while the reader stalls: seconds of a full load, in some 15 MB. Further ones are dropped, counted."""
GATHER_S: Final = 0.005
"""How long lines gather before they are written: at rest nobody notices, under load it is one write for dozens."""
FLUSH_S: Final = 1.0
"""How long the end of the process waits for a reader."""


class LineWriter:
    """Takes lines from any thread without waiting; writes them in order.

    `lost` renders the line that says how many were dropped, written once the reader reads again.
    """

    def __init__(self, out: IO[bytes], lost: Callable[[int], bytes], *, lines_max: int = LINES_MAX) -> None:
        self._out = out
        self._lost = lost
        self._lines_max = lines_max
        self._lines: deque[bytes | threading.Event] = deque()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._dropping = threading.Lock()
        self._told = 0
        self.dropped = 0
        """Lines that nobody will read, since the process began."""
        threading.Thread(target=self._run, name="log lines", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Have one line written, soon; drop it where too many wait."""
        if len(self._lines) >= self._lines_max:
            self._drop(1)
        else:
            self._put(line)

    # As structlog names what it calls; the level stands in the line.
    msg = debug = info = warning = error = critical = exception = write

    def flush(self, at_most_s: float = FLUSH_S) -> bool:
        """Wait until all that came before is written; False where the reader did not take it in time."""
        written = threading.Event()
        self._put(written)
        return written.wait(at_most_s)

    def close(self) -> None:
        """Write what waits, and end the thread; a reader that stalls is left."""
        self.flush()
        self._closed.set()
        self._wake.set()

    def _put(self, line: bytes | threading.Event) -> None:
        """A deque's ends are safe for threads; to look before waking spares every line but the first a lock."""
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def _drop(self, lines: int) -> None:
        with self._dropping:
            self.dropped += lines

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait()
            self._closed.wait(GATHER_S)
            self._wake.clear()
            self._write([self._lines.popleft() for _ in range(len(self._lines))])

    def _write(self, taken: list[bytes | threading.Event]) -> None:
        lines = [one for one in taken if isinstance(one, bytes)]
        if untold := self.dropped - self._told:
            lines.append(self._lost(untold))
            self._told += untold
        if lines:
            self._deliver(lines)
        for one in taken:
            if isinstance(one, threading.Event):
                one.set()

    def _deliver(self, lines: list[bytes]) -> None:
        """A reader that went away must not end the gateway."""
        try:
            self._out.write(b"\n".join(lines) + b"\n")
            self._out.flush()
        except (OSError, ValueError):
            self._told += len(lines)
            self._drop(len(lines))
