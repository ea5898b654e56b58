"""Bare granian: ready bytes from memory, as fast as this server can send them from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from benchmarks.sample import Answer, Sample

    Send = Callable[[Mapping[str, Any]], Awaitable[None]]
    Message = dict[str, Any]


def application(sample: Sample) -> Callable[..., Awaitable[None]]:
    """Build the ASGI callable; to a client that sends an ETag it says 304."""
    full, not_modified = _messages(sample.full), _messages(sample.not_modified)

    async def answer(scope: Mapping[str, Any], receive: object, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        knows = any(name == b"if-none-match" for name, _ in scope["headers"])
        for message in not_modified if knows else full:
            await send(message)

    return answer


def _messages(answer: Answer) -> tuple[Message, Message]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    return (
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": answer.body},
    )
