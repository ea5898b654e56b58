"""The one ASGI callable in front of Django: match, identify, limit, look up ready bytes, send.

It holds no rule of its own. What it cannot answer goes to Django; whatever happens, the request is logged, counted and
answered in the gateway's own form.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import structlog

from reference_gateway.core import answers
from reference_gateway.core.identity import PLANS
from reference_gateway.core.problems import Problem
from reference_gateway.edge.api import render
from reference_gateway.edge.bodies import BodyRefused, declared_excess, read_body
from reference_gateway.edge.handover import INTERNAL, fields_of
from reference_gateway.edge.identities import CHALLENGE
from reference_gateway.edge.logs import failure
from reference_gateway.edge.requests import HEADERS_MAX_BYTES, READING, URI_MAX_BYTES, Request
from reference_gateway.edge.responses import send_answer
from reference_gateway.edge.routes import HEALTH, ready_key, route_of

if TYPE_CHECKING:
    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.core.answers import Answer
    from reference_gateway.core.limiter import Limits
    from reference_gateway.edge.handover import Handover
    from reference_gateway.edge.idempotency import Idempotency
    from reference_gateway.edge.identities import Identities
    from reference_gateway.edge.internal import InternalApi
    from reference_gateway.edge.journal import Journal
    from reference_gateway.edge.operations import Operations
    from reference_gateway.edge.reads import OfferReads
    from reference_gateway.edge.requests import Receive, Scope, Send


class Bounds(NamedTuple):
    """What a request may bring, and how long it may take to bring it."""

    body_max_bytes: int
    body_s: float


class FastPath:
    """Answers from ready bytes; hands everything else over."""

    def __init__(  # noqa: PLR0913 - the parts of a gateway
        self,
        *,
        identities: Identities,
        limiter: SlidingWindowRateLimiter,
        limits: Limits,
        reads: OfferReads,
        operations: Operations,
        internal: InternalApi,
        handover: Handover,
        idempotency: Idempotency,
        journal: Journal,
        bounds: Bounds,
    ) -> None:
        self._identities = identities
        self._limiter = limiter
        self._policies = {plan: limits.policy(plan) for plan in PLANS}
        self._reads = reads
        self._operations = operations
        self._internal = internal
        self._handover = handover
        self._idempotency = idempotency
        self._journal = journal
        self._bounds = bounds
        self.inflight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises nothing."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        self.inflight += 1
        try:
            await self._answer(request, receive, send)
        except Exception as error:  # noqa: BLE001 - the last line: whatever it was, the client gets an answer
            await _fail(request, error, send)
        finally:
            self.inflight -= 1
            self._journal.write(request)

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        if not _is_counted(request.path):
            answer = await self._operations.answer(request) or await self._internal.answer(request, receive)
        else:
            request.route = route_of(request.path) or request.route
            answer = await self._barred(request) or self._ready(request)
        if answer is not None:
            await send_answer(answer, request, send)
        else:
            await self._hand_over(request, receive, send)

    async def _barred(self, request: Request) -> Answer | None:
        """Identify and limit; return the answer to whoever must not pass."""
        identity, problem = await self._identities.identify(request)
        policy = self._policies[identity.plan]
        decision = await self._limiter.admit(identity, policy)
        request.identity, request.policy, request.decision = identity, policy, decision
        if not decision.admitted:
            return answers.refused(identity, policy, decision, request.trace_id)
        problem = problem or _excess(request, self._bounds)
        return None if problem is None else _problem(problem, request)

    def _ready(self, request: Request) -> Answer | None:
        """Look up ready bytes."""
        key = ready_key(request) if request.method in READING else None
        read = None if key is None else self._reads.ready(key, request.begun_ns, request.user)
        return None if read is None else render(read, request)

    async def _hand_over(self, request: Request, receive: Receive, send: Send) -> None:
        structlog.contextvars.bind_contextvars(trace_id=request.trace_id)
        try:
            body = await read_body(
                request, receive, bytes_max=self._bounds.body_max_bytes, at_most_s=self._bounds.body_s
            )
        except BodyRefused as error:
            await send_answer(_problem(error.problem, request), request, send)
        else:
            await self._handed_over(request, body, send)

    async def _handed_over(self, request: Request, body: bytes, send: Send) -> None:
        """Ask Django; whatever is posted is done once for each key that a client gives it."""
        if request.method != "POST":
            await self._handover(request, body, send)
            return
        fields = fields_of(request)
        answer = await self._idempotency.run(request, body, fields, lambda: self._handover.answer(request, body))
        await send_answer(answer, request, send)


def _is_counted(path: str) -> bool:
    """Whether the path counts for the limit: everything under /api/, but the state of the providers."""
    return path.startswith("/api/") and path != HEALTH


def _excess(request: Request, bounds: Bounds) -> Problem | None:
    if request.uri_bytes > URI_MAX_BYTES:
        return Problem("uri-too-long", f"path and query together have at most {URI_MAX_BYTES} bytes")
    if request.header_bytes > HEADERS_MAX_BYTES:
        return Problem("headers-too-large", f"all headers together have at most {HEADERS_MAX_BYTES} bytes")
    return declared_excess(request, bounds.body_max_bytes)


def _problem(problem: Problem, request: Request) -> Answer:
    fields = fields_of(request)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        fields = (*fields, CHALLENGE)
    return answers.failed(problem, request.trace_id, fields)


async def _fail(request: Request, error: Exception, send: Send) -> None:
    structlog.get_logger().error("request failed", trace_id=request.trace_id, route=request.route, **failure(error))
    if request.status == 0:
        await send_answer(_problem(INTERNAL, request), request, send)
