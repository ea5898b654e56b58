"""The judge's hand on the fault proxy: typed, synchronous, over one connection that is kept."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gatespec.errors import GatespecError, unable
from gatespec.proxy.control import TAKEN
from gatespec.proxy.route import Evidence
from gatespec.stack.ports import LOOPBACK, RACES_MAX, free_port

if TYPE_CHECKING:
    from gatespec.proxy.faults import Fault

TIMEOUT_S = 10.0
"""A word takes a millisecond; this long only where the machine is drowning or the proxy is dead."""


class ProxyControl:
    """Speaks to the proxy at a control port; the first word connects, `close` ends it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held: socket.socket | None = None
        self._unread = b""

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return "routes" in self._ask({"word": "ready"})
        except GatespecError:
            return False

    def open(self, name: str, upstream: str) -> Line:
        """Open a route to `upstream`, host and port, on a free port."""
        for _ in range(RACES_MAX):
            port = free_port()
            said = self._ask({"word": "open", "name": name, "port": port, "upstream": upstream})
            if said.get("error") != TAKEN:
                _check(said)
                return Line(self, name, f"{LOOPBACK}:{port}")
        raise unable("proxy-port", f"the fault proxy found no free port for {name} in {RACES_MAX} tries")

    def impose(self, name: str, *faults: Fault) -> Evidence:
        """Have these faults in force on a route, and no others; return when they are."""
        return _evidence(self._ask({"word": "impose", "name": name, "faults": [asdict(fault) for fault in faults]}))

    def evidence(self, name: str) -> Evidence:
        """What a route saw so far."""
        return _evidence(self._ask({"word": "evidence", "name": name}))

    def close(self) -> None:
        """Let go of the connection; the routes stay."""
        if self._held is not None:
            self._held.close()
        self._held, self._unread = None, b""

    def _ask(self, said: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(self._exchange(json.dumps(said).encode() + b"\n"))
        except (OSError, ValueError) as error:
            self.close()
            raise unable("proxy-gone", f"the fault proxy does not answer: {error}") from error
        return answer

    def _exchange(self, line: bytes) -> bytes:
        if self._held is None:
            self._held = socket.create_connection((LOOPBACK, self._port), TIMEOUT_S)
        self._held.sendall(line)
        while b"\n" not in self._unread:
            if not (more := self._held.recv(4096)):
                raise ConnectionResetError("it is gone")
            self._unread += more
        answer, _, self._unread = self._unread.partition(b"\n")
        return answer


@dataclass(frozen=True)
class Line:
    """One route, as whoever breaks it holds it."""

    control: ProxyControl
    name: str
    address: str
    """Where clients connect instead of to the server: host and port."""

    @property
    def port(self) -> int:
        """The port of that address."""
        return int(self.address.rpartition(":")[2])

    def impose(self, *faults: Fault) -> Evidence:
        """Have these faults in force, and no others; return when they are, with what was seen until then."""
        return self.control.impose(self.name, *faults)

    def heal(self) -> Evidence:
        """Have no fault in force; a connection that lost bytes is reset."""
        return self.impose()

    def evidence(self) -> Evidence:
        """What was seen so far."""
        return self.control.evidence(self.name)


def _evidence(said: dict[str, Any]) -> Evidence:
    _check(said)
    return Evidence(**said)


def _check(said: dict[str, Any]) -> None:
    if "error" in said:
        raise unable("proxy-control", f"the fault proxy refused: {said['message']}")
