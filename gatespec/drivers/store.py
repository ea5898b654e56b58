"""A lane's Redis as the judge's read driver breaks it: through the proxy, with a look that it is so."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from gatespec.clock import until
from gatespec.errors import unable
from gatespec.proxy.faults import Fault
from gatespec.stack import ports
from gatespec.stack.redis import pings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.proxy.client import Line
    from gatespec.proxy.route import Evidence
    from gatespec.read_ports import StoreState
    from gatespec.stack.fault_lines import FaultLines, RedisLine

FAULTS: Mapping[StoreState, tuple[Fault, ...]] = {
    "well": (),
    "refusing": (Fault("cut"),),
    "hanging": (Fault("blackhole"),),
}
SHOWN_MS = 5_000
"""How long a state may take to show from outside: a millisecond on a quiet machine."""
WORD = b"PING\r\n"


class Store:
    """Redis for all instances of one lane: a single server, or all nodes of a cluster alike."""

    def __init__(self, lines: FaultLines) -> None:
        self.state: StoreState = "well"
        self._lines = lines.redis
        self._before = self._marks()

    @property
    def heard_by(self) -> tuple[frozenset[int], ...]:
        """Of each server, the clients' ports to which it has said something since its state last changed."""
        return tuple(frozenset(each.line.evidence().talking) for each in self._lines)

    def become(self, state: StoreState) -> int | None:
        """Change, and return when it shows; say how often the fault that this ended had shown itself, if it ended one.

        Raise `unable` where it does not show: nothing could be concluded from a fault that is not there.
        """
        before = self._marks()
        bit = None if self.state == "well" else before - self._before
        for each in self._lines:
            each.line.impose(*FAULTS[state])
        if not until(lambda: all(_is(each, state) for each in self._lines), at_most_ms=SHOWN_MS):
            raise unable(
                "fault-without-effect", f"Redis should be {state}, and is not, seen from where its clients are"
            )
        self.state = state
        # A cut ends connections as it is imposed; our own look at a black hole is none of its marks.
        self._before = self._marks() if state == "hanging" else before
        return bit

    def _marks(self) -> int:
        return sum(_marks(each.line.evidence()) for each in self._lines)


def _is(server: RedisLine, state: StoreState) -> bool:
    if state == "refusing":
        return not ports.accepts(server.line.port)
    return pings(server.url) if state == "well" else _swallows(server.line)


def _swallows(line: Line) -> bool:
    before = line.evidence().swallowed_up
    with socket.create_connection((ports.LOOPBACK, line.port), SHOWN_MS / 1000) as held:
        held.sendall(WORD)
        return until(lambda: line.evidence().swallowed_up > before, at_most_ms=SHOWN_MS)


def _marks(seen: Evidence) -> int:
    return seen.ended + seen.swallowed_up + seen.swallowed_down
