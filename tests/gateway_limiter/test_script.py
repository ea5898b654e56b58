"""The script on a real server decides as the core does, batches, changed limits and backward steps included."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from reference_gateway.adapters.redis import script
from reference_gateway.core.limiter import Ask
from reference_gateway.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reference_gateway.core.window import Decision

NOW_US = 1_700_000_000_000_000
"""As large as a real moment: a score that lost its last digits would show."""
WINDOW_US = 1_000_003
KEEP_MS = 600_000
STEPS = st.tuples(
    st.sampled_from([0, 1, 2, 500_000, 999_999, 1_000_002, 1_000_003, -1, -300_000, -5_000_000]),
    st.dictionaries(st.sampled_from("ab"), st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1),
)
"""How far the clock goes, and per window the limit now and how many ask."""

_examples = count(1)


@pytest.fixture(scope="module")
def server(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        client.script_load(script.SOURCE)
        yield client


def decide(server: Redis, asked: Mapping[Ask, int], now_us: int, last_us: int = 0) -> list[list[Decision]]:
    call: tuple[Any, ...] = script.arguments(asked, now_us=now_us, last_us=last_us, keep_ms=KEEP_MS)
    _, turns = script.decisions(server.evalsha(script.SHA, *call), asked)
    return [list(turns[ask]) for ask in asked]


@settings(deadline=None, max_examples=150)
@given(steps=st.lists(STEPS, max_size=25))
def test_the_script_decides_as_the_core(server: Redis, steps: list[tuple[int, dict[str, tuple[int, int]]]]) -> None:
    example, now_us, windows = next(_examples), NOW_US, {"a": Window(), "b": Window()}
    for wait_us, asks in steps:
        now_us += wait_us
        asked = {Ask(f"test:{example}:{key}", limit, WINDOW_US): times for key, (limit, times) in asks.items()}
        expected = [
            [windows[key].admit(now_us, limit, WINDOW_US) for _ in range(times)] for key, (limit, times) in asks.items()
        ]
        found = decide(server, asked, now_us)
        assert [[d.admitted for d in turn] for turn in found] == [[d.admitted for d in turn] for turn in expected]
        assert [[d.remaining for d in turn] for turn in found] == [[d.remaining for d in turn] for turn in expected]
        assert [turn[-1].reset_us for turn in found] == [turn[-1].reset_us for turn in expected]


def test_what_came_too_late_counts_nothing(server: Redis) -> None:
    ask = Ask("test:late", 3, WINDOW_US)
    assert decide(server, {ask: 1}, NOW_US, last_us=NOW_US)[0][0].admitted
    with pytest.raises(script.Late) as caught:
        decide(server, {ask: 1}, NOW_US + 1, last_us=NOW_US)
    assert caught.value.now_us == NOW_US + 1
    assert server.zcard(ask.key) == 1


def test_a_window_that_has_passed_leaves_no_key(server: Redis) -> None:
    ask = Ask("test:passed", 3, WINDOW_US)
    decide(server, {ask: 1}, NOW_US)
    assert 0 < server.pttl(ask.key) <= KEEP_MS + WINDOW_US
    assert [d.remaining for d in decide(server, {ask: 2}, NOW_US + WINDOW_US)[0]] == [2, 1]
    assert server.zcard(ask.key) == 2


def test_a_key_outlives_its_window_by_no_more_than_its_rounding(server: Redis) -> None:
    ask = Ask("test:expiry", 3, WINDOW_US)
    call: tuple[Any, ...] = script.arguments({ask: 1})
    server.evalsha(script.SHA, *call)
    assert 0 < server.pttl(ask.key) <= -(-WINDOW_US // 1000) + script.KEEP_MS


def test_a_full_batch_of_one_identity_fits_one_call(server: Redis) -> None:
    ask = Ask("test:full", 10_000, WINDOW_US)
    decisions = decide(server, {ask: script.ASKS_MAX}, NOW_US)[0]
    assert [d.remaining for d in decisions] == list(range(9_999, 9_999 - script.ASKS_MAX, -1))
    assert server.zcard(ask.key) == script.ASKS_MAX


def test_a_thousand_admissions_take_about_a_hundred_kilobytes(server: Redis) -> None:
    ask = Ask("test:memory", 1000, WINDOW_US)
    decide(server, {ask: 1000}, NOW_US)
    assert 0 < (server.memory_usage(ask.key, samples=0) or 0) < 110_000
