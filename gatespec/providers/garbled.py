"""Bodies that are not what they are said to be, or more than anybody should read."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from gatespec.providers.encounter import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatespec.providers.encounter import Encounter

ENDLESS_MAX_BYTES = 1024 * 1024 * 1024
"""After this the connection closes in the middle: whoever read so far has failed, and need not fill the machine."""
WRITE_BYTES = 256 * 1024
_BLANK = b" " * WRITE_BYTES
_GZIP = 16 + zlib.MAX_WBITS


async def oversized(met: Encounter) -> web.StreamResponse:
    """The true list after white space, never in memory as a whole."""
    response = web.StreamResponse(status=met.status, headers={"Content-Type": JSON, **met.headers})
    response.content_length = met.fault.size_bytes + len(met.body)
    await _stream(met, response, [*_blanks(met.fault.size_bytes), met.body])
    return response


async def endless(met: Encounter) -> web.StreamResponse:
    """White space until the client leaves."""
    response = web.StreamResponse(status=met.status, headers={"Content-Type": JSON, **met.headers})
    await _stream(met, response, _blanks(ENDLESS_MAX_BYTES))
    met.hang_up()
    return response


async def gzip_bomb(met: Encounter) -> web.Response:
    """What is a thousand times as much when it is read."""
    small = await asyncio.to_thread(_compressed, met.fault.size_bytes, met.body)
    return met.answered(small, {"Content-Encoding": "gzip"})


async def not_gzip(met: Encounter) -> web.Response:
    """Plain JSON under another word."""
    return met.answered(met.body, {"Content-Encoding": "gzip"})


async def deep(met: Encounter) -> web.Response:
    """More brackets than a parser that calls itself has stack for."""
    return met.answered(b"[" * met.fault.depth + b"]" * met.fault.depth, {})


async def utf16(met: Encounter) -> web.Response:
    """Two bytes for a character, where one is promised."""
    return met.answered(met.body.decode().encode("utf-16"), {}, f"{JSON}; charset=utf-8")


async def bad_utf8(met: Encounter) -> web.Response:
    """In the first text, so that only what reads texts can see it."""
    return met.answered(met.body.replace(b'"', b'"\xff', 1), {}, f"{JSON}; charset=utf-8")


async def _stream(met: Encounter, response: web.StreamResponse, parts: Iterable[bytes]) -> None:
    with suppress(ConnectionError):  # whoever leaves in the middle is right
        await response.prepare(met.request)
        for part in parts:
            await response.write(part)


def _blanks(size_bytes: int) -> Iterable[bytes]:
    """Always the same block, as often as it fits."""
    whole, rest = divmod(size_bytes, WRITE_BYTES)
    yield from (_BLANK for _ in range(whole))
    if rest:  # nothing would be the end of a chunked body
        yield _BLANK[:rest]


def _compressed(size_bytes: int, body: bytes) -> bytes:
    press = zlib.compressobj(level=9, wbits=_GZIP)
    return b"".join([*(press.compress(part) for part in _blanks(size_bytes)), press.compress(body), press.flush()])
