"""How late this machine is by itself: an echo server in a process of its own, asked all the time beside a run."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gatespec.clock import now_ns
from gatespec.errors import unable

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_MS = 50
"""Ten samples in half a second: a stall that could move a verdict does not hide between two."""
ANSWER_MS = 10_000
"""A machine that cannot echo a byte in this time can judge nothing."""

_ECHO = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
peer, _ = server.accept()
while data := peer.recv(64):
    peer.sendall(data)
"""


class LagMeter:
    """The worst round trip to the echo server since the last `reset`, and since the story began, in ms."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._worst_ns = 0
        self._story_ns = 0
        self._asked_ns = 0
        """When the echo that is still awaited was asked for; 0 while none is."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="lag meter", daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """Begin to measure anew."""
        self._worst_ns = self._story_ns = 0

    def begin_story(self) -> None:
        """Begin to measure what a single story is judged by."""
        self._story_ns = 0

    @property
    def story_ms(self) -> int:
        """The worst since the story began; an echo that is late by now counts as well."""
        asked_ns = self._asked_ns
        awaited_ns = now_ns() - asked_ns if asked_ns else 0
        return -(-max(self._story_ns, awaited_ns) // 1_000_000)

    @property
    def worst_ms(self) -> int:
        """Rounded up, so that no lag is called none."""
        return -(-self._worst_ns // 1_000_000)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_MS / 1000):
            asked = self._asked_ns = now_ns()
            try:
                self._peer.sendall(b".")
                answered = self._peer.recv(64)
            except OSError:
                answered = b""
            lag = now_ns() - asked if answered else ANSWER_MS * 1_000_000
            self._worst_ns, self._story_ns = max(self._worst_ns, lag), max(self._story_ns, lag)
            self._asked_ns = 0
            if not answered:
                return

    def stop(self) -> None:
        """End the sampling; at most one answer's time."""
        self._stop.set()
        self._thread.join(ANSWER_MS / 1000)


@contextmanager
def lag_meter() -> Iterator[LagMeter]:
    """Run the echo server and the meter for as long as the block runs."""
    # A session of its own: Ctrl-C is for the judge, who ends it; it ends by itself when the judge's connection does.
    words = [sys.executable, "-c", _ECHO]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            with _connected(server) as peer:
                meter = LagMeter(peer)
                try:
                    yield meter
                finally:
                    meter.stop()
        finally:
            server.terminate()


def _connected(server: subprocess.Popen[str]) -> socket.socket:
    try:
        port = int(server.stdout.readline()) if server.stdout else 0
        return socket.create_connection(("127.0.0.1", port), timeout=ANSWER_MS / 1000)
    except (OSError, ValueError) as error:
        raise unable("lag-meter", f"the echo server did not start: {error}") from error
