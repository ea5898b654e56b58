"""A lane's Redis or PostgreSQL as the judge breaks it: through the proxy, with a look that it is so."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Protocol

from gatespec.clock import until
from gatespec.errors import unable
from gatespec.proxy.faults import Fault
from gatespec.stack import ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.proxy.client import Line
    from gatespec.proxy.route import Evidence
    from gatespec.read_ports import StoreState

FAULTS: Mapping[StoreState, tuple[Fault, ...]] = {
    "well": (),
    "refusing": (Fault("cut"),),
    "hanging": (Fault("blackhole"),),
}
SHOWN_MS = 5_000
"""How long a state may take to show from outside: a millisecond on a quiet machine."""
WORD = b"PING\r\n"


class StoreLine(Protocol):
    """One server, and what can be broken on the way to it."""

    @property
    def line(self) -> Line:
        """The way."""

    def answers(self) -> bool:
        """Whether the server does, seen from where its clients are."""


class Store:
    """Redis or PostgreSQL for all instances of one lane: a single server, or all nodes of a cluster alike."""

    def __init__(self, servers: Sequence[StoreLine], name: str = "Redis") -> None:
        self.state: StoreState = "well"
        self._name = name
        self._servers = servers
        self._before = self._marks()

    @property
    def heard_by(self) -> tuple[frozenset[int], ...]:
        """Of each server, the clients' ports to which it has said something since its state last changed."""
        return tuple(frozenset(each.line.evidence().talking) for each in self._servers)

    def become(self, state: StoreState) -> int | None:
        """Change, and return when it shows; say how often the fault that this ended had shown itself, if it ended one.

        Raise `unable` where it does not show: nothing could be concluded from a fault that is not there.
        """
        before = self._marks()
        bit = None if self.state == "well" else before - self._before
        for each in self._servers:
            each.line.impose(*FAULTS[state])
        if not until(lambda: all(_is(each, state) for each in self._servers), at_most_ms=SHOWN_MS):
            raise unable(
                "fault-without-effect", f"{self._name} should be {state}, and is not, seen from where its clients are"
            )
        self.state = state
        # A cut ends connections as it is imposed; our own look at a black hole is none of its marks.
        self._before = self._marks() if state == "hanging" else before
        return bit

    def _marks(self) -> int:
        return sum(_marks(each.line.evidence()) for each in self._servers)


def _is(server: StoreLine, state: StoreState) -> bool:
    if state == "refusing":
        return not ports.accepts(server.line.port)
    return server.answers() if state == "well" else _swallows(server.line)


def _swallows(line: Line) -> bool:
    before = line.evidence().swallowed_up
    with socket.create_connection((ports.LOOPBACK, line.port), SHOWN_MS / 1000) as held:
        held.sendall(WORD)
        return until(lambda: line.evidence().swallowed_up > before, at_most_ms=SHOWN_MS)


def _marks(seen: Evidence) -> int:
    return seen.ended + seen.swallowed_up + seen.swallowed_down
