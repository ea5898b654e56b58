"""A request that meets a fault: all that a fault needs to spoil its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.providers.dialect import Asking, Dialect
    from gatespec.providers.script import Fault

JSON = "application/json"


@dataclass(frozen=True)
class Encounter:
    """One of them, on the wire."""

    request: web.Request
    fault: Fault
    dialect: Dialect
    asking: Asking
    status: int
    """What would have been said without the fault, or what a script says instead."""
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    """What the API says on each of its own answers."""

    def hang_up(self) -> web.Response:
        """Close the connection after what was written; what is returned goes nowhere."""
        if self.request.transport is not None:
            self.request.transport.close()
        return web.Response()

    def answered(self, body: bytes, headers: Mapping[str, str], content_type: str = JSON) -> web.Response:
        """The API's own answer with another body, and more said about it."""
        told = {"Content-Type": content_type, **self.headers, **headers}
        return web.Response(status=self.status, body=body, headers=told)

    def head(self, length: int) -> bytes:
        """Status line and fields of an answer whose body is said to be that long; the connection then closes."""
        fields = {"Content-Type": JSON, "Content-Length": str(length), "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Simulated", *(f"{name}: {told}" for name, told in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def write(self, data: bytes) -> None:
        """Put bytes on the wire that no server would; nothing where the client has left."""
        if self.request.transport is not None and not self.request.transport.is_closing():
            self.request.transport.write(data)
