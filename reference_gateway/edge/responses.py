"""Answers as ASGI sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_gateway.core.answers import Answer
    from reference_gateway.edge.requests import Request, Send

NOT_MODIFIED = 304


async def send_answer(answer: Answer, request: Request, send: Send) -> None:
    """Send a whole answer; to HEAD its headers only."""
    request.status = answer.status
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status != NOT_MODIFIED:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})
