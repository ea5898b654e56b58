"""Request bodies: read whole before Django is asked; neither their size nor their pace is the client's choice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.edge.requests import Receive, Request


class BodyRefused(Exception):  # noqa: N818 - it carries the problem that the client gets
    """A body that is too large or too slow."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def declared_excess(request: Request, bytes_max: int) -> Problem | None:
    """Find the fault in a body that says itself that it is too large: ready bytes are no answer to it either."""
    declared = request.headers.get(b"content-length")
    if declared is None or (len(declared) <= len(str(bytes_max)) and declared.isdigit() and int(declared) <= bytes_max):
        return None
    return _too_large(bytes_max)


async def read_body(request: Request, receive: Receive, *, bytes_max: int, at_most_s: float) -> bytes:
    """Return the body; raises `BodyRefused`."""
    if excess := declared_excess(request, bytes_max):
        raise BodyRefused(excess)
    if request.headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in request.headers:
        return b""
    try:
        async with asyncio.timeout(at_most_s):
            return await _collect(receive, bytes_max)
    except TimeoutError:
        raise BodyRefused(Problem("request-malformed", f"the body did not arrive within {at_most_s:g} s")) from None


async def _collect(receive: Receive, bytes_max: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > bytes_max:
            raise BodyRefused(_too_large(bytes_max))
        more = message.get("more_body", False)
    return bytes(body)


def replay(body: bytes) -> Receive:
    """Hand a body that was read to whoever asks first; whoever asks on waits, for granian never tells of a disconnect.

    It would give the body again, which Django takes for a breach of the protocol.
    """
    unread = [body]

    async def receive_again() -> Mapping[str, Any]:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody fulfils this future")

    return receive_again


def _too_large(bytes_max: int) -> Problem:
    return Problem("body-too-large", f"a body has at most {bytes_max} bytes")
