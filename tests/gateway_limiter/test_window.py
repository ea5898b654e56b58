"""The core window against the plainest possible recount, and under clocks that step back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.window import Decision, Window

WINDOW_US = 1000
LIMITS = st.integers(1, 5)
WAITS = st.lists(st.sampled_from([0, 1, 2, 250, 499, 500, 501, 999, 1000, 1001]), max_size=40)


def recount(admitted: list[int], now_us: int, limit: int) -> Decision:
    """Count all over again, from every admission that ever was."""
    inside = sorted(at for at in admitted if now_us - WINDOW_US < at <= now_us)
    if len(inside) >= limit:
        return Decision(admitted=False, remaining=0, reset_us=inside[len(inside) - limit] + WINDOW_US - now_us)
    oldest = min([*inside, now_us])
    return Decision(admitted=True, remaining=limit - len(inside) - 1, reset_us=oldest + WINDOW_US - now_us)


@given(waits=WAITS, limit=LIMITS)
def test_a_window_decides_as_a_recount_of_all_admissions_does(waits: list[int], limit: int) -> None:
    admitted: list[int] = []
    window, now_us = Window(), 10_000
    for wait_us in waits:
        now_us += wait_us
        expected = recount(admitted, now_us, limit)
        assert window.admit(now_us, limit, WINDOW_US) == expected
        if expected.admitted:
            admitted.append(now_us)


@given(waits=WAITS, limits=st.lists(LIMITS, min_size=40, max_size=40))
def test_a_limit_that_changes_holds_from_the_next_request(waits: list[int], limits: list[int]) -> None:
    admitted: list[int] = []
    window, now_us = Window(), 10_000
    for wait_us, limit in zip(waits, limits, strict=False):
        now_us += wait_us
        expected = recount(admitted, now_us, limit)
        assert window.admit(now_us, limit, WINDOW_US) == expected
        if expected.admitted:
            admitted.append(now_us)


def test_an_admission_leaves_exactly_when_the_window_has_passed() -> None:
    window = Window()
    assert window.admit(5000, 1, WINDOW_US).admitted
    assert window.admit(5999, 1, WINDOW_US) == Decision(admitted=False, remaining=0, reset_us=1)
    assert window.admit(6000, 1, WINDOW_US).admitted


@given(waits=WAITS, limit=LIMITS)
def test_whoever_waits_for_the_reset_of_a_refusal_is_admitted(waits: list[int], limit: int) -> None:
    window, now_us = Window(), 10_000
    for wait_us in waits:
        now_us += wait_us
        window.admit(now_us, limit, WINDOW_US)
    refusal = None
    while refusal is None or refusal.admitted:
        refusal = window.admit(now_us, limit, WINDOW_US)
    assert not window.admit(now_us + refusal.reset_us - 1, limit, WINDOW_US).admitted
    assert window.admit(now_us + refusal.reset_us, limit, WINDOW_US).admitted


@given(
    steps=st.lists(st.tuples(st.integers(0, 1500), st.sampled_from([0, 0, 0, 300, 5000])), max_size=40), limit=LIMITS
)
def test_a_clock_that_steps_back_admits_no_more_and_bars_for_one_window_at_most(
    steps: list[tuple[int, int]], limit: int
) -> None:
    window, admitted, really_us, ahead_us = Window(), [], 100_000, 1_000_000
    for wait_us, back_us in steps:
        really_us, ahead_us = really_us + wait_us, ahead_us - back_us
        if window.admit(really_us + ahead_us, limit, WINDOW_US).admitted:
            admitted.append(really_us)
        assert sum(at > really_us - WINDOW_US for at in admitted) <= limit
    assert window.admit(really_us + ahead_us + WINDOW_US, limit, WINDOW_US).admitted
