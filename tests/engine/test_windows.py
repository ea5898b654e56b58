"""The window's oracle against a recount of every possible order of decisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatespec.checkers.windows import Answer, SlidingWindow, find_overfull_windows
from gatespec.ports import Span

WINDOW_MS = 100
spans = st.tuples(st.integers(0, 300), st.integers(0, 40)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))
answers: st.SearchStrategy[Answer | None] = st.sampled_from(("admitted", "refused", None))


def window_of(asked: list[tuple[Span, Answer | None]], limit: int) -> SlidingWindow:
    window = SlidingWindow(limit, WINDOW_MS)
    for span, answer in asked:
        window.hear(span, answer)
    return window


def recount(asked: list[tuple[Span, Answer | None]], place: int) -> tuple[int, int]:
    """Each other request by itself: is there a moment of each at which it counts, and none at which it does not?"""
    query = asked[place][0]
    surely = perhaps = 0
    for index, (span, answer) in enumerate(asked):
        if index == place or answer == "refused":
            continue
        moments = [
            decided - WINDOW_MS < admitted <= decided
            and not (decided == admitted and index > place and span.sent_ms >= query.heard_ms)
            and not (index > place and span.sent_ms >= query.heard_ms)
            for decided in range(query.sent_ms, query.heard_ms + 1)
            for admitted in range(span.sent_ms, span.heard_ms + 1)
        ]
        perhaps += any(moments)
        surely += all(moments) and answer == "admitted" and index < place
    return surely, perhaps


@given(st.lists(st.tuples(spans, answers), min_size=1, max_size=8))
def test_bounds_are_those_of_a_recount(asked: list[tuple[Span, Answer | None]]) -> None:
    asked.sort(key=lambda pair: pair[0].sent_ms)
    window = window_of(asked, 3)
    for place in range(len(asked)):
        surely, perhaps = window.bounds(place)
        counted_surely, counted_perhaps = recount(asked, place)
        assert surely <= counted_surely
        assert perhaps >= counted_perhaps
        if all(span.sent_ms == span.heard_ms for span, _ in asked):
            assert (surely, perhaps) == (counted_surely, sum(counted(asked, place)))


def counted(asked: list[tuple[Span, Answer | None]], place: int) -> list[bool]:
    now = asked[place][0].sent_ms
    return [a != "refused" and now - WINDOW_MS < s.sent_ms <= now for s, a in asked[:place]]


def test_an_admission_has_left_exactly_one_window_later() -> None:
    for later, permitted in ((WINDOW_MS - 1, {"refused"}), (WINDOW_MS, {"admitted"})):
        window = window_of([(Span(0, 0), "admitted"), (Span(later, later), None)], 1)
        assert window.permits(1) == permitted


def test_a_span_across_the_edge_permits_both() -> None:
    window = window_of([(Span(0, 10), "admitted"), (Span(WINDOW_MS + 5, WINDOW_MS + 15), None)], 1)
    assert window.permits(1) == {"admitted", "refused"}


def test_a_request_without_an_answer_may_have_been_admitted() -> None:
    window = window_of([(Span(0, 1), None), (Span(5, 6), None)], 1)
    assert window.permits(1) == {"admitted", "refused"}


def test_side_by_side_nobody_is_surely_first() -> None:
    window = window_of([(Span(0, 10), "admitted"), (Span(1, 11), "refused")], 1)
    assert window.permits(0) == {"admitted"}
    assert window.permits(1) == {"admitted", "refused"}


def test_a_race_shows_as_an_overfull_window_though_each_answer_is_permitted() -> None:
    raced = [Span(n, n + 20) for n in range(4)]
    window = window_of([(span, "admitted") for span in raced], 3)
    assert all("admitted" in window.permits(place) for place in range(4))
    assert find_overfull_windows(raced, 3, WINDOW_MS) == [Span(0, 23)]


@given(st.lists(spans, max_size=12), st.integers(1, 4))
def test_overfull_windows_are_those_of_a_recount(admissions: list[Span], limit: int) -> None:
    def overfull(start: int, end: int) -> bool:
        return sum(start <= a.sent_ms and a.heard_ms <= end for a in admissions) > limit

    ends = sorted({a.heard_ms for a in admissions})
    expected = any(overfull(a.sent_ms, end) for a in admissions for end in ends if end - a.sent_ms < WINDOW_MS)
    assert bool(find_overfull_windows(admissions, limit, WINDOW_MS)) == expected
