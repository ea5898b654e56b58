"""Who may be admitted when: the sliding window, judged on spans.

An admission happened at some moment of its span, a decision at some moment of the asker's. Where the spans hide on
which side of an edge that was, both answers are permitted; with spans of no length (virtual time) exactly one is.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal

from gatespec.checkers.findings import Breach, Findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.ports import Exchange, Span

Answer = Literal["admitted", "refused"]
TOO_MANY_REQUESTS = 429
FAULTS = frozenset(range(500, 600)) - {503, 504}
"""Neither an admission nor a refusal; what is admitted may still be answered 503 or, its providers silent, 504."""


def answer_of(exchange: Exchange) -> Answer | None:
    """What the limiter said; None where nothing came back, so that either may have happened."""
    if exchange.status is None:
        return None
    return "refused" if exchange.status == TOO_MANY_REQUESTS else "admitted"


@dataclass
class SlidingWindow:
    """Every admission of one identity, and the answers that the statement leaves open."""

    limit: int
    window_ms: int
    asked: list[Span] = field(default_factory=list)
    """Every request of the identity, in the order sent."""
    _places: list[int] = field(default_factory=list)
    """Of those that were not refused: their places, their spans, and how many up to each were surely admitted."""
    _spans: list[Span] = field(default_factory=list)
    _sent: list[int] = field(default_factory=list)
    _admitted: list[int] = field(default_factory=lambda: [0])
    _longest_ms: int = 0

    def hear(self, span: Span, answer: Answer | None) -> None:
        """Take note of an answer."""
        if answer != "refused":
            self._places.append(len(self.asked))
            self._spans.append(span)
            self._sent.append(span.sent_ms)
            self._admitted.append(self._admitted[-1] + (answer == "admitted"))
            self._longest_ms = max(self._longest_ms, span.heard_ms - span.sent_ms)
        self.asked.append(span)

    def bounds(self, place: int) -> tuple[int, int]:
        """How many admissions lay in the window when `place` was decided: surely, and perhaps.

        Surely: decided before it was sent, and still inside however late it was decided. Perhaps: not surely after
        it, and inside however early it was decided; a request without an answer is never more than perhaps.
        """
        query = self.asked[place]
        first = bisect_right(self._sent, query.sent_ms - self.window_ms - self._longest_ms)
        # Between these two nothing is hidden, so it is counted without a look at each: a limit of 1000 needs it.
        clear = bisect_right(self._sent, query.heard_ms - self.window_ms)
        unclear = bisect_right(self._sent, query.sent_ms - self._longest_ms)
        unclear = max(clear, min(unclear, bisect_left(self._places, place)))
        surely, perhaps = self._admitted[unclear] - self._admitted[clear], unclear - clear
        for index in chain(range(first, clear), range(unclear, len(self._spans))):
            span = self._spans[index]
            if self._places[index] > place and span.sent_ms >= query.heard_ms:
                break  # in the order sent: all that follow came surely after, too
            if self._places[index] == place or span.heard_ms <= query.sent_ms - self.window_ms:
                continue
            perhaps += 1
            surely += self._is_sure(index, place)
        return surely, perhaps

    def _is_sure(self, index: int, place: int) -> bool:
        span, query = self._spans[index], self.asked[place]
        admitted = self._admitted[index + 1] > self._admitted[index]
        before = self._places[index] < place and span.heard_ms <= query.sent_ms
        return admitted and before and span.sent_ms > query.heard_ms - self.window_ms

    def permits(self, place: int) -> set[Answer]:
        """Both answers where the wire hides on which side of the edge we are."""
        surely, perhaps = self.bounds(place)
        if surely >= self.limit:
            return {"refused"}
        return {"admitted"} if perhaps < self.limit else {"admitted", "refused"}


def find_overfull_windows(admissions: Iterable[Span], limit: int, window_ms: int) -> list[Span]:
    """Return each interval shorter than the window in which more than `limit` admissions lie wholly, sent to heard.

    This is what shows a race of reads and increments: request by request each answer could still be explained.
    """
    overfull = []
    soonest: list[int] = []  # the limit + 1 earliest ends of those that began no earlier; a heap of negated times
    for span in sorted(admissions, key=lambda a: a.sent_ms, reverse=True):
        heapq.heappush(soonest, -span.heard_ms)
        if len(soonest) > limit + 1:
            heapq.heappop(soonest)
        if len(soonest) > limit and -soonest[0] - span.sent_ms < window_ms:
            overfull.append(type(span)(span.sent_ms, -soonest[0]))
    return overfull


def judge_window(exchanges: Sequence[tuple[int, Exchange]], limit: int, window_ms: int, *, since: int = 0) -> Findings:
    """Judge the answers that one identity got; `exchanges` are (place in the example, exchange) in the order sent.

    Only those whose place is at least `since` are judged; the earlier ones still count.
    """
    window = SlidingWindow(limit, window_ms)
    for _, exchange in exchanges:
        window.hear(exchange.span, answer_of(exchange))
    findings = Findings(breaches=[b for place, e in exchanges if place >= since for b in _fault(place, e)])
    for index, (place, exchange) in enumerate(exchanges):
        if place >= since and (answer := answer_of(exchange)):
            findings.add(_judge_answer(window, index, place, answer))
    admitted = [(place, e.span) for place, e in exchanges if answer_of(e) == "admitted"]
    if admitted and admitted[-1][0] >= since:
        for span in find_overfull_windows((s for _, s in admitted), limit, window_ms)[:1]:
            what = (
                f"more than {limit} admissions lie within {span.heard_ms - span.sent_ms} ms, less than {window_ms} ms"
            )
            findings.breaches.append(Breach(what, admitted[-1][0]))
    return findings


def _fault(place: int, exchange: Exchange) -> list[Breach]:
    if exchange.status not in FAULTS:
        return []
    return [Breach(f"answered {exchange.status}, which neither admits nor refuses", place)]


def _judge_answer(window: SlidingWindow, index: int, place: int, answer: Answer) -> Findings:
    permitted = window.permits(index)
    findings = Findings(answers=1, sharp=int(len(permitted) == 1))
    if answer not in permitted:
        surely, perhaps = window.bounds(index)
        counted = f"{surely}" if surely == perhaps else f"{surely} to {perhaps}"
        what = (
            f"{answer} where only {' or '.join(sorted(permitted))} was permitted: "
            f"{counted} of {window.limit} admissions lay in the {window.window_ms} ms before"
        )
        findings.breaches.append(Breach(what, place))
    return findings
