"""Between Ninja's views and our own answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from reference_gateway.core import answers
from reference_gateway.core.problems import Problem
from reference_gateway.edge.identities import CHALLENGE

if TYPE_CHECKING:
    from reference_gateway.core.answers import Answer
    from reference_gateway.edge.requests import Request

SCOPE_KEY = "reference_gateway.request"


def request_of(http: HttpRequest) -> Request:
    """Return the request as the edge read it."""
    scope: dict[str, Any] = http.scope  # type: ignore[attr-defined] # ASGIRequest's own
    request: Request = scope[SCOPE_KEY]
    return request


def response(answer: Answer) -> HttpResponse:
    """Hand an answer to Django."""
    headers = {**dict(answer.headers), "content-length": str(len(answer.body))}
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def respond(answered: Answer | Problem, request: Request) -> HttpResponse:
    """Hand over an answer or a problem; one of 401 says how to prove oneself."""
    if not isinstance(answered, Problem):
        return response(answered)
    challenge = (CHALLENGE,) if answered.status == HTTPStatus.UNAUTHORIZED else ()
    return response(answers.failed(answered, request.trace_id, challenge))
