"""Faults as a client sees them: what is written, and when the connection ends."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from gatespec.clock import now_ns, sleep_until_ns
from gatespec.providers.echoes import echoed
from gatespec.providers.encounter import JSON
from gatespec.providers.garbled import bad_utf8, deep, endless, gzip_bomb, not_gzip, oversized, utf16
from gatespec.providers.slow import drip, slow_head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatespec.providers.encounter import Encounter
    from gatespec.providers.script import Fault

    Inflict = Callable[[Encounter], Awaitable[web.StreamResponse]]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing sends RST instead of FIN."""

_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)
_TOO_FREQUENT = b"API requests too frequent: endpoint threshold=4.5\n"


async def inflict(met: Encounter) -> web.StreamResponse:
    """Play the fault."""
    return await _BY_KIND[met.fault.kind](met)


async def _status(met: Encounter) -> web.Response:
    status = met.fault.status or 500
    body = met.dialect.error(status)
    content_type = JSON if body.startswith((b"{", b"[")) else "text/plain"
    headers = {"Content-Type": content_type, **met.headers, **_retry_after(met.fault)}
    return web.Response(status=status, body=body, headers=headers)


async def _rate_limited(met: Encounter) -> web.Response:
    """Plain text, as the impatient proxies in front of real APIs write it."""
    return _text_of(met.fault, 429, met.fault.body.encode() or _TOO_FREQUENT)


async def _reset(met: Encounter) -> web.Response:
    if (transport := met.request.transport) is not None:
        held: socket.socket = transport.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


async def _hang(met: Encounter) -> web.Response:
    await sleep_until_ns(now_ns() + met.fault.hang_ms * 1_000_000)
    return met.hang_up()


async def _truncated(met: Encounter) -> web.Response:
    met.write(met.head(len(met.body)) + met.body[: len(met.body) // 2])
    return met.hang_up()


async def _short_length(met: Encounter) -> web.Response:
    met.write(met.head(len(met.body) // 2) + met.body)
    return met.hang_up()


async def _html(met: Encounter) -> web.Response:
    return _text_of(met.fault, 502, _HTML, "text/html")


async def _text(met: Encounter) -> web.Response:
    return _text_of(met.fault, 503, met.fault.body.encode())


async def _body(met: Encounter) -> web.Response:
    return _text_of(met.fault, 200, met.fault.body.encode(), met.fault.content_type)


async def _empty(met: Encounter) -> web.Response:
    headers = {"Content-Type": JSON, **met.headers}
    return web.Response(status=met.fault.status or 200, body=met.dialect.empty(met.asking), headers=headers)


async def _echo(met: Encounter) -> web.Response:
    """Say what was sent, as a debugging page does."""
    credential = met.dialect.credential_of(met.asking)
    status, body, headers = echoed(credential, met.asking, met.fault.form, met.fault.status or 401)
    reason = f"Unauthorized {credential}" if met.fault.form == "reason" else None
    return web.Response(status=status, body=body, headers=headers, reason=reason)


async def _redirect(met: Encounter) -> web.Response:
    return web.Response(status=met.fault.status or 302, headers={"Location": met.fault.location})


def _text_of(fault: Fault, status: int, body: bytes, content_type: str = "text/plain") -> web.Response:
    """What no API says of itself: something before it, or a script."""
    headers = {"Content-Type": content_type, **_retry_after(fault)}
    return web.Response(status=fault.status or status, body=body, headers=headers)


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": fault.retry_after}


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
    "oversized": oversized,
    "redirect": _redirect,
    "echo": _echo,
    "gzip_bomb": gzip_bomb,
    "not_gzip": not_gzip,
    "endless": endless,
    "deep": deep,
    "utf16": utf16,
    "bad_utf8": bad_utf8,
    "short_length": _short_length,
    "drip": drip,
    "slow_head": slow_head,
}
SILENT = {"reset", "hang"}
"""Faults that answer nothing: the ledger then has no status."""
