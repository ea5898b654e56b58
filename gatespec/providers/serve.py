"""The simulated providers on a port: `/{provider}/...` in their own wire format, `/_control/...` for the judge."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from aiohttp import web

from gatespec.clock import MonotonicClock, epoch_s, now_ns, sleep_until_ns
from gatespec.errors import unable
from gatespec.providers.control import control_routes
from gatespec.providers.dialect import Asking
from gatespec.providers.encounter import JSON, Encounter
from gatespec.providers.faults import SILENT, inflict
from gatespec.providers.fleet import FLEET, Fleet
from gatespec.providers.ledger import Call, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatespec.providers.fleet import Opening
    from gatespec.providers.script import Fault
    from gatespec.providers.simulator import Provider

CONTROL_BODY_MAX_BYTES = 16 * 1024 * 1024
DRAIN_S = 0.1
"""SIGTERM ends at once: a provider that dies mid-answer is itself a fault that gateways meet."""

_CLOCK = MonotonicClock()


def application(names: Mapping[str, str], opening: Opening | None = None) -> web.Application:
    """Providers by name with the adapter whose API each speaks, on the opening prices, and the control API."""
    app = web.Application(client_max_size=CONTROL_BODY_MAX_BYTES)
    app[FLEET] = Fleet(opening)
    for name, adapter in names.items():
        app[FLEET].enlist([name], adapter)
    app.add_routes(control_routes())
    app.router.add_route("*", "/{segment}{path:/.*|}", _serve)
    return app


async def run(app: web.Application, host: str, port: int, listening: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; call `listening` with the base URL once connections are accepted."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        await _bind(runner, host, port)
        listening("http://{}:{}".format(*runner.addresses[0]))
        await stop.wait()
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise unable(
            "port-in-use",
            f"the simulated providers cannot listen at {host}:{port}: {error.strerror}",
            hint="name another port with --listen, or port 0 for any free one",
        ) from error


async def _serve(request: web.Request) -> web.StreamResponse:
    """One call at a provider: write it down, hold it back, play a fault or answer."""
    fleet = request.app[FLEET]
    name, _, endpoint = request.match_info["segment"].partition("@")
    provider = fleet.providers.get(name)
    if provider is None:
        fleet.ledger.strays += 1
        return web.json_response({"field": "provider", "message": f"{name!r} is not simulated here"}, status=404)
    asking = await _asking(request)
    call = _call(asking, provider, endpoint)
    number = fleet.ledger.begin(call)
    outcome, status = "client-left", None
    try:
        response, outcome = await _answered(request, provider, call, asking)
        status = None if outcome in SILENT else response.status
    finally:
        fleet.ledger.end(number, _CLOCK.now_ms(), outcome, status)
    return response


async def _asking(request: web.Request) -> Asking:
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await request.read() if request.can_read_body else b""
    return Asking(request.method, request.match_info["path"], dict(request.query), headers, body)


def _call(asking: Asking, provider: Provider, endpoint: str) -> Call:
    credential, kind = provider.dialect.credential_of(asking), provider.dialect.kind_of(asking)
    return Call(
        number=0,
        provider=provider.name,
        endpoint=endpoint,
        kind=kind,
        method=asking.method,
        path=asking.path,
        credential=credential,
        fingerprint=fingerprint(credential),
        began_ms=_CLOCK.now_ms(),
        serial=provider.next_serial(kind),
    )


async def _answered(
    request: web.Request, provider: Provider, call: Call, asking: Asking
) -> tuple[web.StreamResponse, str]:
    """The response and the ledger's word for it. The fault is chosen on arrival, so that order is that of arrival."""
    fault: Fault | None = provider.next_fault(call.kind, call.endpoint)
    await _hold_back(provider.latency_ms(call.endpoint))
    status, body = provider.answer(asking, call.serial)
    headers = provider.dialect.headers(provider.script, epoch_s())
    if fault is not None:
        met = Encounter(request, fault, provider.dialect, asking, fault.status or status, body, headers)
        return await inflict(met), fault.kind
    outcome = "ok" if status == 200 else "refused"  # noqa: PLR2004 - HTTP's own number
    return web.Response(status=status, body=body, headers={"Content-Type": JSON, **headers}), outcome


async def _hold_back(latency_ms: int) -> None:
    if latency_ms:
        await sleep_until_ns(now_ns() + latency_ms * 1_000_000)
