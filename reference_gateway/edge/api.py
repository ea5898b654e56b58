"""The API as Django and Ninja serve it: whatever the fast path has no ready bytes for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, register_converter
from ninja import NinjaAPI

from reference_gateway.core import answers
from reference_gateway.core.answers import Answer
from reference_gateway.core.filters import ParameterError, no_parameters, parse_query
from reference_gateway.core.problems import Problem
from reference_gateway.edge.auth.routes import add_auth
from reference_gateway.edge.logs import failure
from reference_gateway.edge.ninja import request_of, respond, response
from reference_gateway.edge.parameters import pairs_of
from reference_gateway.edge.routes import OFFER_ID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference_gateway.edge.auth.keys import KeyRoutes
    from reference_gateway.edge.auth.sign_in import SignIn
    from reference_gateway.edge.integrations import Integrations
    from reference_gateway.edge.reads import OfferReads, Read
    from reference_gateway.edge.requests import Request

CACHE_CONTROL = ("cache-control", "private, no-cache")
"""The answer tells one client where it stands with its limit; its ETag makes asking again cheap."""

DOCUMENT = Path(__file__).with_name("openapi.json").read_bytes()
"""Written by hand: Ninja knows neither what the fast path and the operations serve, nor that errors are problems."""


class _OfferId:
    """An offer's id in a path, as Django's converters want it."""

    regex = OFFER_ID

    def to_python(self, text: str) -> str:
        return text

    def to_url(self, text: str) -> str:
        return text


register_converter(_OfferId, "offer_id")


class Routes:
    """What Django calls a URL configuration, made of values."""

    def __init__(self, reads: OfferReads, integrations: Integrations, sign_in: SignIn, keys: KeyRoutes) -> None:
        self.api = _api(reads)
        _add_integrations(self.api, integrations)
        add_auth(self.api, sign_in, keys)
        self.urlpatterns: list[URLPattern | URLResolver] = [path("api/v2/", self.api.urls)]


def _api(reads: OfferReads) -> NinjaAPI:
    api = NinjaAPI(docs_url=None, openapi_url=None, urls_namespace="api")

    @api.get("/providers")
    async def list_offers(request: HttpRequest) -> HttpResponse:
        return response(await _list(reads, request_of(request)))

    @api.get("/providers/catalog")
    async def read_catalog(request: HttpRequest) -> HttpResponse:
        asked = request_of(request)
        return response(await _plain(asked, lambda: reads.read_catalog(asked.user)))

    @api.get("/providers/{offer_id:offer_id}")
    async def read_offer(request: HttpRequest, offer_id: str) -> HttpResponse:
        asked = request_of(request)
        return response(await _plain(asked, lambda: reads.read_offer(offer_id, asked.user)))

    @api.get("/openapi.json")
    async def read_openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Ninja passes it
        return response(Answer(200, (("content-type", "application/json"),), DOCUMENT))

    @api.exception_handler(Exception)
    def defect(request: HttpRequest, error: Exception) -> HttpResponse:
        """Log what Django would only call an internal server error; the handover puts the problem in its place."""
        structlog.get_logger().error("request failed", route=request_of(request).route, **failure(error))
        return HttpResponse(status=500)

    return api


def _add_integrations(api: NinjaAPI, integrations: Integrations) -> None:
    path = "/providers/config/integrations"

    @api.get(path)
    async def list_integrations(request: HttpRequest) -> HttpResponse:
        asked = request_of(request)
        return respond(await integrations.names(asked), asked)

    @api.post(path)
    async def create_integration(request: HttpRequest) -> HttpResponse:
        asked = request_of(request)
        return respond(await integrations.create(asked, request.body), asked)

    @api.delete(path + "/{provider}")
    async def delete_integration(request: HttpRequest, provider: str) -> HttpResponse:
        asked = request_of(request)
        return respond(await integrations.delete(asked, provider), asked)


async def _list(reads: OfferReads, request: Request) -> Answer:
    try:
        read = await reads.read(parse_query(pairs_of(request.query)), request.query, request.user)
    except ParameterError as error:
        return _refused(error, request)
    return render(read, request)


async def _plain(request: Request, read: Callable[[], Awaitable[Read]]) -> Answer:
    """Read what takes no parameters."""
    try:
        no_parameters(pairs_of(request.query))
    except ParameterError as error:
        return _refused(error, request)
    return render(await read(), request)


def _refused(error: ParameterError, request: Request) -> Answer:
    return answers.failed(Problem(error.code, str(error), error.field), request.trace_id)


def render(read: Read, request: Request) -> Answer:
    """Render what a read found, for a request that was admitted."""
    request.cache = read.outcome
    if read.problem is not None:
        return answers.failed(read.problem, request.trace_id, _cache_status(read))
    if read.entry is None or request.policy is None or request.decision is None:
        raise AssertionError("a read has an entry or a problem, and was admitted")
    return answers.admitted(
        read.entry,
        request.if_none_match,
        request.policy,
        request.decision,
        request.trace_id,
        extra=(*_cache_status(read), CACHE_CONTROL),
    )


def _cache_status(read: Read) -> answers.Fields:
    return (("cache-status", read.cache_status),) if read.cache_status else ()
