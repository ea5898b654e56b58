"""The judge's own API beside the simulated ones: readiness, scripts, prices, the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gatespec.providers.catalogue import cents
from gatespec.providers.dialects import DIALECTS
from gatespec.providers.fleet import FLEET, PROVIDERS_MAX
from gatespec.providers.prices import price_book
from gatespec.providers.script import EVERYBODY, EnlistRequest, PricesRequest, ScriptRequest
from gatespec.providers.simulator import UnknownPrices, Unplayable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatespec.providers.ledger import Call
    from gatespec.providers.simulator import Provider

Asked = TypeVar("Asked", bound=BaseModel)


def control_routes() -> list[web.RouteDef]:
    """Every route of the control API."""
    return [
        web.get("/_control/ready", _ready),
        web.post("/_control/providers", _enlist),
        web.get("/_control/script", _show_script),
        web.post("/_control/script", _write_script),
        web.delete("/_control/script", _forget_script),
        web.get("/_control/ledger", _show_ledger),
        web.delete("/_control/ledger", _clear_ledger),
        web.get("/_control/prices", _show_prices),
        web.post("/_control/prices", _write_prices),
    ]


async def _ready(request: web.Request) -> web.Response:
    return web.json_response({"ready": True, "providers": len(request.app[FLEET].providers)})


async def _enlist(request: web.Request) -> web.Response:
    asked, fleet = await _read(request, EnlistRequest), request.app[FLEET]
    if len(fleet.providers.keys() | set(asked.providers)) > PROVIDERS_MAX:
        raise _unprocessable("providers", f"at most {PROVIDERS_MAX} are simulated at a time")
    if asked.adapter not in DIALECTS:
        raise _unprocessable("adapter", f"{asked.adapter!r} is not simulated; there are {', '.join(sorted(DIALECTS))}")
    fleet.enlist(asked.providers, asked.adapter)
    return web.json_response({"providers": len(fleet.providers)})


async def _show_script(request: web.Request) -> web.Response:
    provider = _one(request)
    return web.json_response({"script": provider.script.model_dump(), "faults_left": provider.faults_left()})


async def _write_script(request: web.Request) -> web.Response:
    asked = await _read(request, ScriptRequest)
    told = _named(request, asked.providers)
    changes = {name: getattr(asked, name) for name in asked.model_fields_set - {"providers"}}
    _checked(told, changes)
    for provider in told:
        provider.rewrite(changes)
    return web.json_response({"providers": len(told), "last_call": request.app[FLEET].ledger.last})


async def _forget_script(request: web.Request) -> web.Response:
    told = _asked_for(request)
    for provider in told:
        provider.forget()
    return web.json_response({"providers": len(told)})


async def _show_ledger(request: web.Request) -> web.Response:
    ledger = request.app[FLEET].ledger
    query = request.query
    calls = ledger.calls(query.getall("provider", ()), query.get("kind"), _number(request, "after"))
    shown = _with_credential if query.get("credentials") == "1" else _without_credential
    body = {"calls": [shown(call) for call in calls], "dropped": ledger.dropped, "strays": ledger.strays}
    return web.json_response(body)


async def _clear_ledger(request: web.Request) -> web.Response:
    return web.json_response({"cleared": request.app[FLEET].ledger.clear(request.query.get("provider"))})


async def _show_prices(request: web.Request) -> web.Response:
    provider = _one(request)
    days = price_book().days(provider.series)
    return web.json_response(
        {
            "series": provider.series,
            "day": str(provider.day),
            "days_left": len(days) - 1 - days.index(provider.day),
            "cents": {machine: cents(usd) for machine, usd in provider.prices().items()},
            "usd": {machine: str(usd) for machine, usd in provider.prices().items()},
        }
    )


async def _write_prices(request: web.Request) -> web.Response:
    asked = await _read(request, PricesRequest)
    told = _named(request, asked.providers)
    _all_or_none(told, lambda provider: provider.set_prices(asked))
    return web.json_response({"providers": len(told)})


def _checked(told: Sequence[Provider], changes: Mapping[str, Any]) -> None:
    """Refuse before anything changed."""
    try:
        for provider in told:
            provider.check(changes)
    except Unplayable as error:
        raise _unprocessable(*str(error).split(": ", 1)) from error


def _all_or_none(told: Sequence[Provider], change: Callable[[Provider], None]) -> None:
    """Refuse before anything changed: every provider is first tried on a copy."""
    try:
        for provider in told:
            change(provider.copy())
    except UnknownPrices as error:
        raise _unprocessable(*str(error).split(": ", 1)) from error
    for provider in told:
        change(provider)


def _asked_for(request: web.Request) -> list[Provider]:
    return _named(request, [request.query.get("provider", EVERYBODY)])


def _one(request: web.Request) -> Provider:
    return _named(request, [request.query.get("provider", "")])[0]


def _named(request: web.Request, names: Sequence[str]) -> list[Provider]:
    known = request.app[FLEET].providers
    if EVERYBODY in names:
        return list(known.values())
    if strangers := [name for name in names if name not in known]:
        raise _unprocessable("providers", f"{strangers[0]!r} is not simulated here")
    return [known[name] for name in dict.fromkeys(names)]


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdigit()):
        raise _unprocessable(name, f"{text!r} is not a number")
    return int(text)


async def _read(request: web.Request, kind: type[Asked]) -> Asked:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise _unprocessable(field, first["msg"]) from error


def _unprocessable(field: str, message: str) -> web.HTTPUnprocessableEntity:
    said = json.dumps({"field": field, "message": message})
    return web.HTTPUnprocessableEntity(text=said, content_type="application/json")


def _with_credential(call: Call) -> dict[str, Any]:
    return asdict(call)


def _without_credential(call: Call) -> dict[str, Any]:
    return {name: value for name, value in asdict(call).items() if name != "credential"}
