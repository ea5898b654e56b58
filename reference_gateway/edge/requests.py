"""A request as the edge reads it: once, from the ASGI scope, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.edge import clock
from reference_gateway.edge.tracing import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reference_gateway.core.identity import Identity
    from reference_gateway.core.limiter import Policy
    from reference_gateway.core.window import Decision

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Mapping[str, Any]]]
    Send = Callable[[Mapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

URI_MAX_BYTES = 8192
"""Path and query together; RFC 9110 section 4.1 asks for 8000. Past 65534 granian's parser says 414 by itself."""
HEADERS_MAX_BYTES = 32_768
"""Names and values together: a token of 8 KiB and a browser's cookies fit well."""

_READ = frozenset({
    b"authorization", b"x-api-key", b"x-forwarded-for", b"traceparent", b"if-none-match", b"content-length",
    b"transfer-encoding", b"x-correlation-id", b"content-type",
})  # fmt: skip # a word a line would be a page
READING = frozenset({"GET", "HEAD"})
"""The methods that every route takes."""
SINGLE = (b"authorization", b"x-api-key")
"""Headers that prove who asks: given twice, there is no telling which was meant."""


class Request:
    """What the edge needs to know of one request, and what became of it, for its log line and its metrics."""

    __slots__ = (
        "begun_ns",
        "cache",
        "correlation_id",
        "decision",
        "header_bytes",
        "headers",
        "identity",
        "method",
        "operation",
        "path",
        "peer",
        "policy",
        "query",
        "repeated",
        "route",
        "scope",
        "status",
        "trace_id",
    )

    def __init__(self, scope: Scope) -> None:
        self.begun_ns = clock.monotonic_ns()
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        client = scope.get("client")
        self.peer: str = client[0] if client else ""
        self.headers: dict[bytes, bytes] = {}
        self.repeated: bytes | None = None
        self.header_bytes = 0
        self._read(scope["headers"])
        self.trace_id = trace_id_of(self.headers.get(b"traceparent"))
        self.identity: Identity | None = None
        self.policy: Policy | None = None
        self.decision: Decision | None = None
        self.route = "unmatched"
        self.cache = ""
        self.status = 0
        self.correlation_id: str | None = None
        self.operation = ""

    def _read(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Keep what we read; lines of one name are one list (RFC 9110 section 5.3)."""
        kept = self.headers
        for name, value in fields:
            self.header_bytes += len(name) + len(value)
            if name in _READ:
                if name in kept:
                    self.repeated = name if name in SINGLE else self.repeated
                    kept[name] += b"," + value
                else:
                    kept[name] = value

    @property
    def user(self) -> str:
        """The user who asks, once that is proven; empty for everybody else."""
        return "" if self.identity is None else self.identity.user

    @property
    def if_none_match(self) -> str | None:
        """The header as text, if it was sent."""
        sent = self.headers.get(b"if-none-match")
        return None if sent is None else sent.decode("latin-1")

    @property
    def uri_bytes(self) -> int:
        """Length of the request target as it was sent."""
        return len(self.scope.get("raw_path") or b"") + len(self.query)
