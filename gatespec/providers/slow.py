"""Answers that come byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.clock import now_ns, sleep_until_ns

if TYPE_CHECKING:
    from aiohttp import web

    from gatespec.providers.encounter import Encounter

SLOW_MAX_MS = 600_000
"""Then the connection closes, wherever it is: no client waits so long."""


async def drip(met: Encounter) -> web.Response:
    """The head at once, the body slowly."""
    met.write(met.head(len(met.body)))
    await _trickle(met, met.body)
    return met.hang_up()


async def slow_head(met: Encounter) -> web.Response:
    """The head slowly, the body at once: who bounds only the time between bytes waits as long as it takes."""
    if await _trickle(met, met.head(len(met.body))):
        met.write(met.body)
    return met.hang_up()


async def _trickle(met: Encounter, data: bytes) -> bool:
    """Write byte by byte; say whether all was written in time."""
    pause_ns = met.fault.pause_ms * 1_000_000
    end_ns = now_ns() + SLOW_MAX_MS * 1_000_000
    for byte in data:
        if now_ns() > end_ns:
            return False
        met.write(bytes([byte]))
        await sleep_until_ns(now_ns() + pause_ns)
    return True
