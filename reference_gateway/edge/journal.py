"""What is kept of a request once it is answered: one log line, and the metrics. Both know routes, never paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.edge import clock
from reference_gateway.edge.logs import line
from reference_gateway.edge.metrics import METHODS

if TYPE_CHECKING:
    from reference_gateway.edge.line_writer import LineWriter
    from reference_gateway.edge.metrics import Metrics
    from reference_gateway.edge.requests import Request

_DEFECT = 500


class Journal:
    """Writes requests down."""

    def __init__(self, writer: LineWriter, metrics: Metrics) -> None:
        self._writer = writer
        self._metrics = metrics

    def write(self, request: Request) -> None:
        """Log and count one request."""
        duration_ns = clock.monotonic_ns() - request.begun_ns
        method = request.method if request.method in METHODS else "other"
        identity = request.identity
        self._count(request, method, duration_ns)
        self._writer.write(
            line(
                "request",
                "info" if request.status < _DEFECT else "error",
                request.trace_id,
                method=method,
                route=request.route,
                status=request.status,
                duration_ms=duration_ns / 1_000_000,
                identity=identity.kind if identity else None,
                plan=identity.plan if identity else None,
                cache=request.cache or None,
                **_correlation(request),
            )
        )

    def _count(self, request: Request, method: str, duration_ns: int) -> None:
        self._metrics.request(request.route, method, request.status, duration_ns / 1e9)
        if request.decision is not None and request.policy is not None:
            self._metrics.decision(request.policy.plan, "admitted" if request.decision.admitted else "refused")
        if request.cache:
            self._metrics.lookup("answer", request.cache)


def _correlation(request: Request) -> dict[str, str]:
    return {} if request.correlation_id is None else {"correlation_id": request.correlation_id}
