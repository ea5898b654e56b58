"""What a balancer, a scraper and a token's verifier ask for, and how providers are: none of it counts for the limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson

from reference_gateway.core.answers import Answer, Entry, conditional, failed
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.metrics import CONTENT_TYPE
from reference_gateway.edge.requests import READING
from reference_gateway.edge.routes import HEALTH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reference_gateway.edge.metrics import Metrics
    from reference_gateway.edge.requests import Request

HEALTH_REMEMBERED_NS: Final = 1_000_000_000
"""How long a look at the dependencies counts: anybody may ask, and nobody shall make us ask PostgreSQL more often."""
DRAINING_RETRY_S: Final = 1
"""Another instance may answer at once; a lone client of this one should not ask in a loop."""
_DRAINING = Problem("not-ready", "this instance is draining; ask another", retry_after_s=DRAINING_RETRY_S)


class Operations:
    """The routes beside the API."""

    def __init__(
        self,
        metrics: Metrics,
        key_set: Callable[[], bytes],
        dependencies: Callable[[], Awaitable[dict[str, object]]],
        providers: Callable[[], Awaitable[Entry]],
    ) -> None:
        self._metrics = metrics
        self._key_set = key_set
        self._dependencies = dependencies
        self._providers = providers
        self._looking: asyncio.Future[dict[str, object]] | None = None
        self._looked_ns = 0
        self.draining = False
        self._routes: Mapping[str, Callable[[], Awaitable[Answer | Entry | Problem]]] = {
            "/health": self._health,
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._scrape,
            "/.well-known/jwks.json": self._keys,
            HEALTH: self._provider_health,
        }

    @property
    def paths(self) -> tuple[str, ...]:
        """What is served here."""
        return tuple(self._routes)

    async def answer(self, request: Request) -> Answer | None:
        """Answer if this is one of the routes."""
        route = self._routes.get(request.path)
        if route is None:
            return None
        request.route = request.path
        trace = (("x-trace-id", request.trace_id),)
        if request.method not in READING:
            problem = Problem("method-not-allowed", "this resource is read with GET or HEAD")
            return failed(problem, request.trace_id, (*trace, ("allow", "GET, HEAD")))
        answer = await route()
        if isinstance(answer, Problem):
            return failed(answer, request.trace_id, trace)
        if isinstance(answer, Entry):
            return conditional(answer, request.if_none_match, (("cache-control", "no-cache"), *trace))
        return Answer(answer.status, (*answer.headers, *trace), answer.body)

    async def _live(self) -> Answer:
        return _json({"status": "ok"})

    async def _ready(self) -> Answer | Problem:
        return _DRAINING if self.draining else _json({"status": "ok"})

    async def _health(self) -> Answer:
        """All who ask within a second share one look."""
        now_ns = clock.monotonic_ns()
        if self._looking is None or now_ns - self._looked_ns > HEALTH_REMEMBERED_NS:
            self._looked_ns = now_ns
            self._looking = asyncio.ensure_future(self._dependencies())
        return _json(await asyncio.shield(self._looking))

    async def _provider_health(self) -> Entry:
        return await self._providers()

    async def _scrape(self) -> Answer:
        return Answer(200, (("content-type", CONTENT_TYPE),), self._metrics.render())

    async def _keys(self) -> Answer:
        fields = (("content-type", "application/json"), ("cache-control", "public, max-age=300"))
        return Answer(200, fields, self._key_set())


def _json(document: dict[str, object]) -> Answer:
    fields = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Answer(200, fields, orjson.dumps(document))
