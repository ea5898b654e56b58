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

    from gatespec.proxy.route import Evidence
    from gatespec.read_ports import StoreState
    from gatespec.stack.fault_lines import FaultLines

FAULTS: Mapping[StoreState, tuple[Fault, ...]] = {
    "well": (),
    "refusing": (Fault("cut"),),
    "hanging": (Fault("blackhole"),),
}
SHOWN_MS = 5_000
"""How long a state may take to show from outside: a millisecond on a quiet machine."""
WORD = b"PING\r\n"


class Store:
    """Redis for all instances of one lane."""

    def __init__(self, lines: FaultLines) -> None:
        self.state: StoreState = "well"
        self._line = lines.redis
        self._url = lines.stores.redis_url
        self._before = self._line.evidence()

    @property
    def heard_by(self) -> frozenset[int]:
        """Clients' ports to which Redis has said something since its state last changed."""
        return frozenset(self._line.evidence().talking)

    def become(self, state: StoreState) -> int | None:
        """Change, and return when it shows; say how often the fault that this ended had shown itself, if it ended one.

        Raise `unable` where it does not show: nothing could be concluded from a fault that is not there.
        """
        before = self._line.evidence()
        bit = None if self.state == "well" else _marks(before) - _marks(self._before)
        self._line.impose(*FAULTS[state])
        if not until(lambda: self._is(state), at_most_ms=SHOWN_MS):
            raise unable(
                "fault-without-effect", f"Redis should be {state}, and is not, seen from where its clients are"
            )
        self.state = state
        # A cut ends connections as it is imposed; our own look at a black hole is none of its marks.
        self._before = self._line.evidence() if state == "hanging" else before
        return bit

    def _is(self, state: StoreState) -> bool:
        if state == "refusing":
            return not ports.accepts(self._port)
        return pings(self._url) if state == "well" else self._swallows()

    def _swallows(self) -> bool:
        before = self._line.evidence().swallowed_up
        with socket.create_connection((ports.LOOPBACK, self._port), SHOWN_MS / 1000) as held:
            held.sendall(WORD)
            return until(lambda: self._line.evidence().swallowed_up > before, at_most_ms=SHOWN_MS)

    @property
    def _port(self) -> int:
        return int(self._line.address.rpartition(":")[2])


def _marks(seen: Evidence) -> int:
    return seen.ended + seen.swallowed_up + seen.swallowed_down
