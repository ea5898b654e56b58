"""The invalidation of a key as an operator asks for it, and what he is told."""

from __future__ import annotations

import json
from http import HTTPStatus

from reference_gateway.core.answers import Answer, Fields
from reference_gateway.core.problems import Problem

SCOPE = "operate"


def missing_scope(scope: str) -> Problem:
    """Say which scope the token lacks."""
    return Problem("scope-missing", f"this needs a service token with the scope {scope!r}")


def accepted(provider: str, *, everywhere: bool, fields: Fields = ()) -> Answer:
    """Say that the key is marked, on all instances or (the store being away) on this one, and a refresh begun."""
    body = {"provider": provider, "instances": "all" if everywhere else "this"}
    headers = (("content-type", "application/json"), ("cache-control", "no-store"), *fields)
    return Answer(HTTPStatus.ACCEPTED, headers, json.dumps(body, separators=(",", ":")).encode("ascii"))
