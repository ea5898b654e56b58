"""Faults as a client sees them: what is written, and when the connection ends."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from gatespec.clock import now_ns, sleep_until_ns
from gatespec.providers import lambda_cloud

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gatespec.providers.script import Fault
    from gatespec.providers.simulator import Answer

    Inflict = Callable[[web.Request, Fault, Answer], Awaitable[web.StreamResponse]]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing sends RST instead of FIN."""

_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)
_TOO_FREQUENT = b"API requests too frequent: endpoint threshold=4.5\n"


async def inflict(request: web.Request, fault: Fault, answer: Answer) -> web.StreamResponse:
    """Play the fault; `answer` is what would have been said without it."""
    return await _BY_KIND[fault.kind](request, fault, answer)


async def _status(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    body = lambda_cloud.error_body("global/internal-error", "An internal server error occurred.")
    return _json(fault.status or 500, body, _retry_after(fault))


async def _rate_limited(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    """Plain text, as the impatient proxies in front of real APIs write it."""
    body = fault.body.encode() or _TOO_FREQUENT
    return web.Response(status=fault.status or 429, body=body, content_type="text/plain", headers=_retry_after(fault))


async def _reset(request: web.Request, _fault: Fault, _answer: Answer) -> web.Response:
    if (transport := request.transport) is not None:
        held: socket.socket = transport.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


async def _hang(request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    await sleep_until_ns(now_ns() + fault.hang_ms * 1_000_000)
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _truncated(request: web.Request, fault: Fault, answer: Answer) -> web.StreamResponse:
    status, body = answer
    response = web.StreamResponse(
        status=fault.status or status,
        headers={"Content-Type": "application/json", "Content-Length": str(len(body))},
    )
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _html(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    return web.Response(status=fault.status or 502, body=_HTML, content_type="text/html", headers=_retry_after(fault))


async def _text(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    return web.Response(
        status=fault.status or 503, body=fault.body.encode(), content_type="text/plain", headers=_retry_after(fault)
    )


async def _body(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    headers = {"Content-Type": fault.content_type, **_retry_after(fault)}
    return web.Response(status=fault.status or 200, body=fault.body.encode(), headers=headers)


async def _empty(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    return _json(fault.status or 200, lambda_cloud.list_body({}), {})


async def _oversized(_request: web.Request, fault: Fault, answer: Answer) -> web.Response:
    status, body = answer
    return _json(fault.status or status, b" " * fault.size_bytes + body, {})


async def _redirect(_request: web.Request, fault: Fault, _answer: Answer) -> web.Response:
    return web.Response(status=fault.status or 302, headers={"Location": fault.location})


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": fault.retry_after}


def _json(status: int, body: bytes, headers: Mapping[str, str]) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


_BY_KIND: dict[str, Inflict] = {
    "status": _status,
    "rate_limited": _rate_limited,
    "reset": _reset,
    "hang": _hang,
    "truncated": _truncated,
    "html": _html,
    "text": _text,
    "body": _body,
    "empty": _empty,
    "oversized": _oversized,
    "redirect": _redirect,
}
SILENT = {"reset", "hang"}
"""Faults that answer nothing: the ledger then has no status."""
