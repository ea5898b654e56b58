"""What a limited client reads: fields, problems, 304s."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.answers import admitted, entry, failed, matches, refused
from reference_gateway.core.fields import rate_limit_fields, retry_after_s
from reference_gateway.core.identity import Identity
from reference_gateway.core.limiter import LIMIT_MAX, Limits, Policy
from reference_gateway.core.problems import CODES, DETAIL_MAX_CHARS, Problem, render
from reference_gateway.core.window import Decision

PRO = Policy("pro", 100, 1_000_000)
ADMITTED = Decision(admitted=True, remaining=37, reset_us=300_000)
REFUSED = Decision(admitted=False, remaining=0, reset_us=1_000_001)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_the_fields_are_spelt_as_the_draft_spells_them() -> None:
    assert rate_limit_fields(PRO, ADMITTED) == {
        "ratelimit-policy": '"pro";q=100;w=1',
        "ratelimit": '"pro";r=37;t=1',
    }


def test_a_window_of_broken_seconds_is_rounded_up() -> None:
    assert rate_limit_fields(Policy("free", 3, 2_500_000), REFUSED) == {
        "ratelimit-policy": '"free";q=3;w=3',
        "ratelimit": '"free";r=0;t=2',
    }


@given(reset_us=st.integers(0, 10**12))
def test_whoever_waits_retry_after_has_waited_long_enough_and_less_than_a_second_too_long(reset_us: int) -> None:
    seconds = retry_after_s(Decision(admitted=False, remaining=0, reset_us=reset_us))
    assert seconds >= 1
    assert seconds * 1_000_000 >= reset_us
    assert seconds == 1 or (seconds - 1) * 1_000_000 < reset_us


def test_a_refusal_is_a_problem_that_says_when_to_come_back() -> None:
    answer = refused(Identity("user", "ann", "pro"), PRO, REFUSED, TRACE)
    headers = dict(answer.headers)
    assert (answer.status, headers["content-type"], headers["retry-after"]) == (429, "application/problem+json", "2")
    assert headers["ratelimit"] == '"pro";r=0;t=2'
    assert headers["x-trace-id"] == TRACE
    assert len(headers) == len(answer.headers)
    problem = json.loads(answer.body)
    assert problem["type"] == "urn:gatespec:error:rate-limited"
    assert (problem["status"], problem["code"], problem["trace_id"]) == (429, "rate-limited", TRACE)
    assert "ann" not in answer.body.decode()


def test_ready_bytes_are_sent_with_their_tag_and_the_limit() -> None:
    ready = entry(b'{"items":[]}')
    answer = admitted(ready, None, PRO, ADMITTED, TRACE, extra=(("cache-status", "l2; hit"),))
    headers = dict(answer.headers)
    assert (answer.status, answer.body, headers["etag"]) == (200, ready.body, ready.etag)
    assert headers["content-type"] == "application/json"
    assert headers["cache-status"] == "l2; hit"
    assert headers["ratelimit-policy"] == '"pro";q=100;w=1'


def test_who_has_the_bytes_gets_304_with_the_limit_and_no_body() -> None:
    ready = entry(b'{"items":[]}')
    answer = admitted(ready, ready.etag, PRO, ADMITTED, TRACE)
    assert (answer.status, answer.body) == (304, b"")
    assert {"etag", "ratelimit", "ratelimit-policy", "x-trace-id"} == {name for name, _ in answer.headers}


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        ('W/"abc"', True),
        ('"abc"', True),
        (' "x", W/"abc" ', True),
        ("*", True),
        ('"a,b", "abc"', True),
        ('"ab"', False),
        ("abc", False),
        ("", False),
        ('"x, W/"abcd"', False),
    ],
)
def test_tags_are_compared_weakly(asked: str, same: bool) -> None:  # noqa: FBT001 - a case
    assert matches(asked, 'W/"abc"') is same


@pytest.mark.parametrize("code", CODES)
def test_every_code_renders_with_its_status_and_title(code: str) -> None:
    problem = Problem(code, "x" * 10_000, field="p\ud800")
    shown = json.loads(render(problem, TRACE))
    assert shown["status"] == problem.status >= 400
    assert shown["title"] == problem.title
    assert len(shown["detail"]) == DETAIL_MAX_CHARS
    assert shown["field"] == "p\ud800"


def test_a_problem_is_never_stored() -> None:
    headers = dict(failed(Problem("overloaded", "too much", retry_after_s=1), TRACE).headers)
    assert headers["cache-control"] == "no-store"
    assert headers["retry-after"] == "1"
    assert headers["x-trace-id"] == TRACE


@pytest.mark.parametrize("wrong", [{"window_us": 0}, {"free": 0}, {"pro": -1}, {"enterprise": LIMIT_MAX + 1}])
def test_limits_out_of_bounds_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Limits(**wrong)
