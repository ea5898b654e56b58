"""Where Ninja serves what is under /api/v2/auth/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse  # noqa: TC002 - Ninja reads the annotations of its views

from reference_gateway.core.problems import Problem
from reference_gateway.edge.auth.sign_in import DATABASE_AWAY
from reference_gateway.edge.database import DatabaseAway
from reference_gateway.edge.ninja import request_of, respond

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ninja import NinjaAPI

    from reference_gateway.core.answers import Answer
    from reference_gateway.edge.auth.keys import KeyRoutes
    from reference_gateway.edge.auth.sign_in import SignIn
    from reference_gateway.edge.requests import Request

    Answering = Callable[[Request, bytes], Awaitable[Answer | Problem]]

_ISSUES_NONE = Problem("not-found", "this gateway issues no tokens: it was given no private key")


def add_auth(api: NinjaAPI, sign_in: SignIn, keys: KeyRoutes) -> None:
    """Serve them all."""
    issuing = {"login": sign_in.login, "refresh": sign_in.refresh, "service-token": sign_in.service_token}
    for name, answering in issuing.items():
        _add_post(api, f"/auth/{name}", _if_issuing(sign_in, answering))
    _add_post(api, "/auth/logout", sign_in.logout)
    _add_post(api, "/auth/api-keys", keys.create)

    @api.get("/auth/api-keys")
    async def list_api_keys(request: HttpRequest) -> HttpResponse:
        asked = request_of(request)
        return respond(await _or_away(keys.list(asked)), asked)

    @api.delete("/auth/api-keys/{id}")
    async def delete_api_key(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002 - the contract's name
        asked = request_of(request)
        return respond(await _or_away(keys.delete(asked, id)), asked)


def _add_post(api: NinjaAPI, path: str, answering: Answering) -> None:
    @api.post(path, operation_id=path)
    async def post(request: HttpRequest) -> HttpResponse:
        asked = request_of(request)
        return respond(await _or_away(answering(asked, request.body)), asked)


def _if_issuing(sign_in: SignIn, answering: Answering) -> Answering:
    async def answer(request: Request, body: bytes) -> Answer | Problem:
        return await answering(request, body) if sign_in.issues else _ISSUES_NONE

    return answer


async def _or_away(answer: Awaitable[Answer | Problem]) -> Answer | Problem:
    try:
        return await answer
    except DatabaseAway:
        return DATABASE_AWAY
