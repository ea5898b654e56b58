"""What is wrong with a refusal's form, and with the RateLimit fields: each fault told, each right form passed."""

from __future__ import annotations

import json

import pytest

from gatespec.checkers.fields import fault_in_rate_limit, fault_in_refusal, retry_after_s, says_when_to_come_back
from gatespec.ports import Exchange, Identity, Request, Span

PROBLEM = {"type": "about:blank", "title": "t", "status": 429, "detail": "d", "code": "rate-limited", "trace_id": "0"}
RIGHT = {"retry-after": "1", "content-type": "application/problem+json; charset=utf-8"}
FIELDS = {"ratelimit-policy": '"pro";q=5;w=3', "ratelimit": '"pro";r=2;t=1'}


def refusal(headers: dict[str, str], body: bytes | None = None) -> Exchange:
    request = Request(Identity("user", "a", "pro"))
    return Exchange(request, Span(0, 1), 429, headers, json.dumps(PROBLEM).encode() if body is None else body)


def test_a_right_refusal_has_no_fault() -> None:
    assert fault_in_refusal(refusal(RIGHT)) is None


@pytest.mark.parametrize(
    "wrong", [None, "", "0", "-1", "1.5", "+1", "01", "1 ", "Wed, 21 Oct 2026 07:28:00 GMT", "1, 1"]
)
def test_retry_after_is_whole_seconds_of_at_least_one(wrong: str | None) -> None:
    headers = {**RIGHT, "retry-after": wrong} if wrong is not None else {"content-type": RIGHT["content-type"]}
    assert "Retry-After" in (fault_in_refusal(refusal(headers)) or "")
    assert retry_after_s(refusal(headers)) is None


@pytest.mark.parametrize(
    ("text", "can_be_followed"),
    [("1", True), ("Wed, 21 Oct 2015 07:28:00 GMT", True), ("", False), ("0", False), ("1.5", False), ("soon", False)],
)
def test_when_to_come_back_is_told_in_seconds_or_as_a_date(text: str, can_be_followed: bool) -> None:  # noqa: FBT001 - drawn
    assert says_when_to_come_back(refusal({"retry-after": text})) is can_be_followed


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "", "application/problem+xml"])
def test_the_body_is_a_problem_by_its_type(media_type: str) -> None:
    assert "application/problem+json" in (fault_in_refusal(refusal({**RIGHT, "content-type": media_type})) or "")


@pytest.mark.parametrize("missing", ["type", "title", "detail", "code", "trace_id"])
def test_a_problem_has_all_its_members(missing: str) -> None:
    body = json.dumps({name: value for name, value in PROBLEM.items() if name != missing}).encode()
    assert missing in (fault_in_refusal(refusal(RIGHT, body)) or "")


@pytest.mark.parametrize("body", [b"", b"<h1>", b"[]", b"429", json.dumps({**PROBLEM, "status": 503}).encode()])
def test_a_body_that_is_no_problem_is_a_fault(body: bytes) -> None:
    assert fault_in_refusal(refusal(RIGHT, body))


def fault(headers: dict[str, str]) -> str | None:
    return fault_in_rate_limit(headers, "pro", limit=5, window_s=3, remaining=range(2, 4))


def test_right_fields_have_no_fault() -> None:
    assert fault(FIELDS) is None
    assert fault({"ratelimit-policy": '"pro";w=3;q=5;qu="requests"', "ratelimit": '"pro";t=0;r=3'}) is None


def test_other_policies_may_stand_beside_the_plan_s() -> None:
    day = {"ratelimit-policy": '"day";q=9;w=86400, "pro";q=5;w=3', "ratelimit": '"pro";r=2;t=1, "day";r=8;t=80000'}
    assert fault(day) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ratelimit-policy", None),
        ("ratelimit", None),
        ("ratelimit-policy", '"free";q=5;w=3'),
        ("ratelimit-policy", '"pro";q=6;w=3'),
        ("ratelimit-policy", '"pro";q=5;w=2'),
        ("ratelimit-policy", '"pro";q=5;w=2.5'),
        ("ratelimit-policy", "pro;q=5;w=3"),
        ("ratelimit-policy", '"pro";q=5;w=3, "pro";q=5;w=3'),
        ("ratelimit-policy", "5, 5;w=3"),
        ("ratelimit", '"pro";r=1;t=1'),
        ("ratelimit", '"pro";r=4;t=1'),
        ("ratelimit", '"pro";r=2'),
        ("ratelimit", '"pro";r=2;t=-1'),
        ("ratelimit", '"pro";r=2;t=0.5'),
        ("ratelimit", '"free";r=2;t=1'),
        ("ratelimit", '"pro;r=2;t=1'),
    ],
)
def test_wrong_fields_are_told(name: str, value: str | None) -> None:
    wrong = {**FIELDS, name: value} if value is not None else {k: v for k, v in FIELDS.items() if k != name}
    assert "RateLimit" in (fault({k: str(v) for k, v in wrong.items()}) or "")
