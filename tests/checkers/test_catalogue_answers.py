"""What a catalogue may say of a provider: as it is now, as it was, or nothing."""

from __future__ import annotations

import json

import pytest

from gatespec.checkers.catalogue import CATALOGUE_PATH, judge_catalogue
from gatespec.ports import Exchange, Request, Span
from tests.checkers.written import READER, Story

STATIC = {"GATEWAY_TTL_STATIC_S": "3"}
HIT = "l1; hit"


def faults(at: int, code: str = "") -> list[str]:
    """Of a catalogue that is read at this time, with such a warning, of a provider that was called at 0."""
    story = Story(settings=STATIC).call(0, 0)
    warnings = [{"code": code, "provider": "a", "detail": "d", "as_of": None}] if code else []
    body = json.dumps({"providers": [], "warnings": warnings}).encode()
    request = Request(READER, 0, "GET", CATALOGUE_PATH)
    story.exchanges.append(Exchange(request, Span(at, at), 200, {"cache-status": HIT}, body))
    return [breach.what for breach in judge_catalogue(story.example, 0).breaches]


@pytest.mark.parametrize(
    ("at", "code", "wrong"),
    [
        (1000, "", ""),
        (1000, "stale", "calls a stale"),
        (4000, "", "older than the static TTL"),
        (4000, "stale", ""),
        (4000, "unavailable", ""),
    ],
)
def test_what_it_shows_as_it_is_now_is_young(at: int, code: str, wrong: str) -> None:
    told = faults(at, code)
    assert bool(told) == bool(wrong)
    assert all(wrong in each for each in told)
