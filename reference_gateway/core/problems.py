"""Errors as RFC 9457 problems: one catalogue of codes, one way to render them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

CONTENT_TYPE = "application/problem+json"
DETAIL_MAX_CHARS = 500
"""A detail may quote what the client sent; the answer stays small however long that was."""

_CATALOGUE: dict[str, tuple[HTTPStatus, str]] = {
    "rate-limited": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    "token-invalid": (HTTPStatus.UNAUTHORIZED, "The access token is not valid"),
    "token-expired": (HTTPStatus.UNAUTHORIZED, "The access token has expired"),
    "key-invalid": (HTTPStatus.UNAUTHORIZED, "The API key is not valid"),
    "login-invalid": (HTTPStatus.UNAUTHORIZED, "The name or the secret is wrong"),
    "login-locked": (HTTPStatus.TOO_MANY_REQUESTS, "Too many tries to sign in"),
    "refresh-invalid": (HTTPStatus.UNAUTHORIZED, "The refresh token is not valid"),
    "token-missing": (HTTPStatus.UNAUTHORIZED, "An access token is needed"),
    "scope-missing": (HTTPStatus.FORBIDDEN, "The token lacks a scope"),
    "user-required": (HTTPStatus.FORBIDDEN, "This is for users"),
    "parameter-invalid": (HTTPStatus.UNPROCESSABLE_ENTITY, "A query parameter is malformed"),
    "parameter-unknown": (HTTPStatus.UNPROCESSABLE_ENTITY, "A query parameter is not known"),
    "parameter-repeated": (HTTPStatus.UNPROCESSABLE_ENTITY, "A query parameter is given more than once"),
    "cursor-invalid": (HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is not one of this gateway's"),
    "cursor-mismatch": (HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor belongs to other filters"),
    "snapshot-expired": (HTTPStatus.GONE, "The cursor's snapshot is gone"),
    "field-invalid": (HTTPStatus.UNPROCESSABLE_ENTITY, "A field of the body is malformed"),
    "field-unknown": (HTTPStatus.UNPROCESSABLE_ENTITY, "A field of the body is not known"),
    "keys-exhausted": (HTTPStatus.CONFLICT, "There are as many API keys as there may be"),
    "idempotency-running": (HTTPStatus.CONFLICT, "The first request with this key is at work"),
    "idempotency-mismatch": (HTTPStatus.UNPROCESSABLE_ENTITY, "The key was used with another body"),
    "header-invalid": (HTTPStatus.BAD_REQUEST, "A header is malformed"),
    "request-malformed": (HTTPStatus.BAD_REQUEST, "The request is malformed"),
    "not-found": (HTTPStatus.NOT_FOUND, "There is nothing here"),
    "method-not-allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "The method is not allowed here"),
    "body-too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request body is too large"),
    "uri-too-long": (HTTPStatus.REQUEST_URI_TOO_LONG, "The request target is too long"),
    "headers-too-large": (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request headers are too large"),
    "providers-unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "No provider answered, and nothing older is known"),
    "providers-timeout": (HTTPStatus.GATEWAY_TIMEOUT, "No provider answered in time, and nothing older is known"),
    "database-unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The database is away"),
    "vault-unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "Vault is away"),
    "overloaded": (HTTPStatus.SERVICE_UNAVAILABLE, "Too much work is waiting"),
    "not-ready": (HTTPStatus.SERVICE_UNAVAILABLE, "The gateway is not ready"),
    "internal": (HTTPStatus.INTERNAL_SERVER_ERROR, "The gateway failed"),
}
CODES = tuple(_CATALOGUE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: a code of the catalogue, what happened this time, and which field is at fault."""

    code: str
    detail: str
    field: str | None = None
    retry_after_s: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return int(_CATALOGUE[self.code][0])

    @property
    def title(self) -> str:
        """The same words for every problem of this code."""
        return _CATALOGUE[self.code][1]


def render(problem: Problem, trace_id: str) -> bytes:
    """Write the problem as JSON. All beyond ASCII is escaped, so whatever a client sent can be quoted."""
    members = {
        "type": f"urn:gatespec:error:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail[:DETAIL_MAX_CHARS],
        "code": problem.code,
        "trace_id": trace_id,
    }
    if problem.field is not None:
        members["field"] = problem.field[:DETAIL_MAX_CHARS]
    return json.dumps(members, separators=(",", ":")).encode("ascii")
