"""What wrong tries cost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.lockout import Rules, Tries, taken_back, tried, wait_ms

RULES = Rules(free=3, first_ms=1_000, longest_ms=8_000, forget_ms=60_000)


def tries_after(count: int, gap_ms: int = 0, rules: Rules = RULES) -> tuple[Tries, int]:
    """Try so often, each `gap_ms` after it may be; return what is counted, and when."""
    tries, now_ms = Tries(), 1_000_000
    for _ in range(count):
        now_ms += wait_ms(tries, rules, now_ms) + gap_ms
        tries = tried(tries, rules, now_ms)
    return tries, now_ms


def test_the_first_few_cost_nothing_and_each_further_one_twice_as_much() -> None:
    waits = [wait_ms(*tries_after(count)[:1], RULES, tries_after(count)[1]) for count in range(9)]
    assert waits == [0, 0, 0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]


def test_a_wait_ends_to_the_millisecond() -> None:
    tries, now_ms = tries_after(4)
    assert wait_ms(tries, RULES, now_ms + 1_999) == 1
    assert wait_ms(tries, RULES, now_ms + 2_000) == 0


def test_after_a_while_all_is_forgotten() -> None:
    tries, now_ms = tries_after(9)
    assert wait_ms(tries, RULES, now_ms + 59_999) == 0
    assert tried(tries, RULES, now_ms + 59_999).count == 10
    assert tried(tries, RULES, now_ms + 60_000) == Tries(1, now_ms + 60_000)


def test_a_right_one_takes_its_count_back() -> None:
    assert taken_back(Tries(3, 7)) == Tries(2, 7)
    assert taken_back(Tries(0, 7)) == Tries(0, 7)


@given(count=st.integers(0, 10**9), ago_ms=st.integers(0, 10**9))
def test_no_wait_is_longer_than_the_longest_however_many_tries_there_were(count: int, ago_ms: int) -> None:
    waited = wait_ms(Tries(count, 0), RULES, ago_ms)
    assert 0 <= waited <= RULES.longest_ms
    assert not waited or count >= RULES.free


@given(gaps=st.lists(st.integers(0, 5_000), max_size=60))
def test_guesses_in_an_hour_are_few(gaps: list[int]) -> None:
    """Whatever the pauses between them: the waits alone bound what a guesser gets."""
    tries, now_ms, made = Tries(), 0, 0
    for gap_ms in gaps:
        now_ms += gap_ms
        if not wait_ms(tries, RULES, now_ms):
            tries, made = tried(tries, RULES, now_ms), made + 1
    assert made <= RULES.free + 4 + now_ms // RULES.longest_ms + now_ms // RULES.forget_ms * RULES.free
