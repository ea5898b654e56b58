"""A service that is one child process, listening on one port of the loopback address."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from gatespec.clock import until
from gatespec.errors import GatespecError, unable
from gatespec.stack import ports

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.process import Child, Command

READY_S = 60.0
"""Servers are ready within seconds; a machine with far more work than cores takes ten times as long."""


class NativeService(ABC):
    """Starts a command on a free port and waits until it answers there."""

    ready_s: float = READY_S

    def __init__(self, nursery: Nursery, name: str, *, port: int | None = None) -> None:
        self.name = name
        self._nursery = nursery
        self._wanted = port
        self._port = port
        self.child: Child | None = None
        """Its latest process."""

    @abstractmethod
    def _command(self, port: int) -> Command:
        """What to start; called again for another port where the first was lost."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it serves by now; never blocks for more than about a second."""

    @property
    def port(self) -> int:
        """The port that it listens on; kept when it is started again."""
        if self._port is None:
            raise RuntimeError(f"{self.name} has no port before it is started")
        return self._port

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{ports.LOOPBACK}:{self.port}"

    @property
    def logs(self) -> tuple[Path, ...]:
        """One file, which all its lives share."""
        return (self._nursery.log_of(self.name),)

    @property
    def alive(self) -> bool:
        """Whether its process runs, or is paused."""
        return self.child is not None and self.child.alive

    @property
    def how_it_ended(self) -> str:
        """` with exit code 1`, ` by SIGKILL`; empty while it runs."""
        code = self.child.exit_code if self.child else None
        if code is None:
            return ""
        return f" with exit code {code}" if code >= 0 else f" by {signal.Signals(-code).name}"

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._started().born.pid

    def tail(self) -> str:
        """The last lines of its log."""
        return self._started().tail()

    def start(self) -> None:
        """Begin on a free port; a port that was asked for must be free, and one it had before is kept."""
        if self._port is None:
            self._port = ports.free_port()
        elif self._wanted is not None and ports.is_taken(self._wanted):
            raise ports.in_use(self._wanted)
        self._launch()

    def ready(self) -> None:
        """Wait until it answers, at most `ready_s`; move to another port where somebody took ours before it could."""
        for _ in range(ports.RACES_MAX):
            until(lambda: not self.alive or self._answers(), at_most_ms=int(self.ready_s * 1000))
            if self.alive or self._wanted is not None or not ports.is_taken(self.port):
                break
            self._port = ports.free_port()
            self._launch()
        if not self.alive or not self._answers():
            raise self._not_ready()

    def pause(self) -> None:
        """Stop it and its children where they stand (SIGSTOP)."""
        self._started().pause()

    def resume(self) -> None:
        """Let it go on after a pause."""
        self._started().resume()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._started().kill()

    def stop(self) -> None:
        """End it in good order, then by force; a service that never started is stopped already."""
        if self.child is not None:
            self._nursery.end([self.child])

    def _started(self) -> Child:
        if self.child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self.child

    def _launch(self) -> None:
        self.child = self._nursery.launch(self._command(self.port), port=self.port)

    def _not_ready(self) -> GatespecError:
        child = self._started()
        died = f"died{self.how_it_ended} before it was ready"
        slow = f"was not ready within {self.ready_s:g} s"
        return unable(
            "service-not-started",
            f"{self.name} {slow if child.alive else died}",
            tried=f"{' '.join(child.command.argv)}; the end of its log:\n{child.tail()}",
            hint=f"its whole log is {child.log}",
        )
