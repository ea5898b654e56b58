"""What operators ask of the gateway, with a service token: not counted for the limit, and never shown to others."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StringConstraints, ValidationError

from reference_gateway.core import answers
from reference_gateway.core.cache.invalidation import SCOPE, accepted, missing_scope
from reference_gateway.core.problems import Problem
from reference_gateway.edge.bodies import BodyRefused, read_body
from reference_gateway.edge.identities import CHALLENGE
from reference_gateway.edge.json_bodies import NAME_MAX_CHARS, Strict, fault

if TYPE_CHECKING:
    from collections.abc import Container

    from reference_gateway.core.answers import Answer
    from reference_gateway.core.cache.tiers import MultiTierCache
    from reference_gateway.edge.idempotency import Idempotency
    from reference_gateway.edge.identities import Identities
    from reference_gateway.edge.requests import Receive, Request

INVALIDATE: Final = "/internal/v1/cache/invalidate"
BODY_MAX_BYTES: Final = 4096
BODY_S: Final = 5.0
"""How long an operator may take to send his few bytes."""

_CORRELATION_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_NO_TOKEN = Problem("token-missing", "this needs a service token in Authorization", "Authorization")


class Invalidation(Strict):
    """What is to be invalidated."""

    provider: Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX_CHARS)]


class InternalApi:
    """The routes under /internal/."""

    def __init__(
        self, identities: Identities, idempotency: Idempotency, cache: MultiTierCache, providers: Container[str]
    ) -> None:
        self._identities = identities
        self._idempotency = idempotency
        self._cache = cache
        self._providers = providers

    async def answer(self, request: Request, receive: Receive) -> Answer | None:
        """Answer if this is one of the routes."""
        if request.path != INVALIDATE:
            return None
        request.route = request.path
        request.correlation_id = _correlation_id(request)
        fields = _fields(request)
        problem = await self._barred(request)
        if problem is not None:
            return _failed(problem, request, fields)
        try:
            body = await read_body(request, receive, bytes_max=BODY_MAX_BYTES, at_most_s=BODY_S)
        except BodyRefused as error:
            return _failed(error.problem, request, fields)
        return await self._idempotency.run(request, body, fields, lambda: self._invalidate(request, body, fields))

    async def _barred(self, request: Request) -> Problem | None:
        """Return the problem of whoever must not pass."""
        if request.method != "POST":
            return Problem("method-not-allowed", f"{INVALIDATE} takes POST only")
        identity, problem = await self._identities.identify(request)
        if problem is not None:
            return problem
        if identity.kind == "ip":
            return _NO_TOKEN
        request.identity = identity
        return None if identity.kind == "service" and SCOPE in identity.scopes else missing_scope(SCOPE)

    async def _invalidate(self, request: Request, body: bytes, fields: answers.Fields) -> Answer:
        try:
            provider = Invalidation.model_validate_json(body).provider
        except ValidationError as error:
            return _failed(fault(error), request, fields)
        if provider not in self._providers:
            return _failed(Problem("not-found", "there is no such provider"), request, fields)
        return accepted(provider, everywhere=await self._cache.invalidate(provider), fields=fields)


def _fields(request: Request) -> answers.Fields:
    fields = (("x-trace-id", request.trace_id),)
    if request.correlation_id is None:
        return fields
    return (*fields, ("x-correlation-id", request.correlation_id))


def _correlation_id(request: Request) -> str | None:
    """Return what joins this request to its cause in the caller's log, if it is fit to be repeated."""
    sent = request.headers.get(b"x-correlation-id", b"")
    return sent.decode("ascii") if _CORRELATION_ID.fullmatch(sent) else None


def _failed(problem: Problem, request: Request, fields: answers.Fields) -> Answer:
    if problem.status == HTTPStatus.UNAUTHORIZED:
        fields = (*fields, CHALLENGE)
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        fields = (*fields, ("allow", "POST"))
    return answers.failed(problem, request.trace_id, fields)
