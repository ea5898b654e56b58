"""What an entry is worth at a moment, who refreshes it early, and what a reader does with it."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.cache.entry import Held, Lifetimes, earliest_ms, is_due, key_of, move
from reference_gateway.core.cache.status import Step, cache_status
from tests.gateway_reads.lists import entry

TIMES = Lifetimes(ttl_ms=60, stale_ms=1000)


def test_a_key_says_whose_credential_reads_which_provider() -> None:
    assert (key_of("lambda"), key_of("lambda", "user-1")) == ("house/lambda", "user-1/lambda")


@pytest.mark.parametrize(
    ("age_ms", "outdated", "standing", "left_ms"),
    [
        (0, False, "fresh", 60),
        (59, False, "fresh", 1),
        (60, False, "expired", 0),
        (119, False, "expired", -59),
        (120, False, "old", -60),
        (0, True, "outdated", 0),
        (119, True, "outdated", -59),
        (120, True, "old", -60),
    ],
)
def test_its_standing_follows_from_its_age(age_ms: int, outdated: bool, standing: str, left_ms: int) -> None:  # noqa: FBT001 - a row
    held = Held(entry(taken_ms=500), outdated)
    assert (TIMES.standing(held, 500 + age_ms), TIMES.left_ms(held, 500 + age_ms)) == (standing, left_ms)


def test_it_is_known_for_as_long_as_the_fallback_reaches() -> None:
    assert [TIMES.is_known(entry(), age_ms) for age_ms in (0, 999, 1000)] == [True, True, False]
    assert [Lifetimes(60, 0).is_known(entry(), age_ms) for age_ms in (59, 60)] == [True, False]


@pytest.mark.parametrize(
    ("standing", "leader", "others"),
    [
        ("fresh", "serve", "serve"),
        ("outdated", "stand-in", "stand-in"),
        ("expired", "wait", "stand-in"),
        ("old", "wait", "wait"),
    ],
)
def test_who_waits_and_who_is_shown_the_old_one(standing: str, leader: str, others: str) -> None:
    assert (move(standing, leads=True), move(standing, leads=False)) == (leader, others)  # type: ignore[arg-type] # as named


def test_a_draw_refreshes_early_by_what_the_last_call_took() -> None:
    """XFetch: due when now - delta x beta x ln(rand) reaches the expiry."""
    half_away = exp(-0.3)
    assert is_due(entry(took_ms=100), TIMES, 30, half_away - 1e-9)
    assert not is_due(entry(took_ms=100), TIMES, 30, half_away + 1e-9)
    assert not is_due(entry(took_ms=100), TIMES, 29, half_away - 1e-9)


def test_beta_makes_it_eager_or_turns_it_off() -> None:
    assert not is_due(entry(took_ms=100), Lifetimes(60, 1000, beta=0), 59, 0.0)
    assert not is_due(entry(took_ms=0), TIMES, 59, 0.0)
    assert is_due(entry(took_ms=100), Lifetimes(60, 1000, beta=2), 30, exp(-0.15) - 1e-9)


@given(
    took_ms=st.integers(0, 10_000),
    beta=st.floats(0, 5),
    rand=st.floats(0, 1, exclude_max=True),
    now_ms=st.integers(-500_000, 60),
)
def test_before_the_earliest_moment_no_draw_refreshes(took_ms: int, beta: float, rand: float, now_ms: int) -> None:
    times = Lifetimes(60, 1000, beta)
    known = entry(took_ms=took_ms)
    if is_due(known, times, now_ms, rand):
        assert now_ms >= earliest_ms(known, times)


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([Step("l2", ttl_ms=41_999)], "l2; hit; ttl=41"),
        ([Step("l2", ttl_ms=-1)], "l2; hit; ttl=-1"),
        ([Step("l2", ttl_ms=-2_500)], "l2; hit; ttl=-3"),
        ([Step("l1", ttl_ms=41_000), Step("l2", stored=True)], "l1; hit; ttl=41, l2; fwd=miss; stored"),
        (
            [Step("l1", forward="stale", stored=True), Step("l2", forward="stale", stored=True)],
            "l1; fwd=stale; stored, l2; fwd=stale; stored",
        ),
        ([Step("l2")], "l2; fwd=miss"),
    ],
)
def test_cache_status_names_each_tier_consulted(steps: list[Step], text: str) -> None:
    assert cache_status(steps) == text
