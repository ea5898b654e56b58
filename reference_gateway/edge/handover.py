"""What the fast path hands to Django, and what comes back: every answer leaves in the gateway's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.core import answers, problems
from reference_gateway.core.problems import Problem
from reference_gateway.edge.bodies import replay
from reference_gateway.edge.ninja import SCOPE_KEY
from reference_gateway.edge.responses import NOT_MODIFIED, send_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.edge.requests import App, Request, Send

_PROBLEMS = {
    400: Problem("request-malformed", "the request cannot be read"),
    404: Problem("not-found", "no resource has this path"),
    405: Problem("method-not-allowed", "the resource does not take this method; Allow names those it does"),
    413: Problem("body-too-large", "the request body is too large"),
}
INTERNAL = Problem("internal", "the gateway failed; its log knows more under this trace id")
_ERROR = 400


class Handover:
    """Asks Django, as GET where the client said HEAD, and dresses the answer."""

    def __init__(self, django: App) -> None:
        self._django = django

    async def answer(self, request: Request, body: bytes) -> answers.Answer:
        """Return the whole answer."""
        collected = Collected()
        await self(request, body, collected)
        return collected.answer

    async def __call__(self, request: Request, body: bytes, send: Send) -> None:
        """Answer the request."""
        method = "GET" if request.method == "HEAD" else request.method
        scope = {**request.scope, "method": method, SCOPE_KEY: request}
        dress = _Dress(request, send)
        await self._django(scope, replay(body), dress)
        if request.status == 0:
            await send_answer(answers.failed(INTERNAL, request.trace_id, fields_of(request)), request, send)


class Collected:
    """An ASGI `send` that keeps a whole answer: what a client will get, perhaps after it was noted down."""

    def __init__(self) -> None:
        self._start: Mapping[str, Any] = {}
        self._body = b""

    async def __call__(self, message: Mapping[str, Any]) -> None:
        """Take a message of Django's."""
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    @property
    def answer(self) -> answers.Answer:
        """What came; its length is stated when it is sent."""
        headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._start["headers"])
        kept = tuple((name, value) for name, value in headers if name != "content-length")
        return answers.Answer(self._start["status"], kept, self._body)


def fields_of(request: Request) -> answers.Fields:
    """Return the fields that every answer to this request carries."""
    if request.policy is None or request.decision is None:
        return (("x-trace-id", request.trace_id),)
    return answers.limited(request.policy, request.decision, request.trace_id)


class _Dress:
    """Django's `send`: adds our fields, and puts a problem in place of any other error page."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self._replaced = False

    async def __call__(self, message: Mapping[str, Any]) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body":
            body = b"" if self._request.method == "HEAD" else message.get("body", b"")
            await self._send({**message, "body": body})

    async def _start(self, message: Mapping[str, Any]) -> None:
        status, headers = message["status"], {name.lower(): value for name, value in message["headers"]}
        if status >= _ERROR and headers.get(b"content-type") != problems.CONTENT_TYPE.encode():
            self._replaced = True
            await send_answer(self._problem(status, headers.get(b"allow")), self._request, self._send)
            return
        for name, value in fields_of(self._request):
            headers.setdefault(name.encode(), value.encode("latin-1"))
        if status == NOT_MODIFIED:
            headers.pop(b"content-type", None)
            headers.pop(b"content-length", None)
        self._request.status = status
        await self._send({**message, "headers": list(headers.items())})

    def _problem(self, status: int, allow: bytes | None) -> answers.Answer:
        problem = _PROBLEMS.get(status, INTERNAL)
        fields = fields_of(self._request)
        if allow is not None:
            fields = (*fields, ("allow", _with_head(allow.decode("latin-1"))))
        return answers.failed(problem, self._request.trace_id, fields)


def _with_head(allow: str) -> str:
    """Whatever answers GET answers HEAD."""
    methods = {method.strip() for method in allow.split(",")}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
