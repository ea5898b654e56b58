"""P07 - 429 form.

    A refused request gets 429 with a problem body, `Retry-After` in whole seconds (at least 1), `RateLimit` and
    `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers: `"pro";q=100;w=1`, `"pro";r=37;t=1`, `w` rounded up;
    also on admitted answers, cached bytes and 304s). A client that waits `Retry-After` and has sent nothing else is
    admitted. Refusals are not counted.

The window is 2.5 s here wherever it can be set: with one of a whole second, a `Retry-After` rounded down could not be
told from one rounded up. The plans are small, for a refusal looks the same after three admissions as after a hundred.
Waiting is real on the wire, so several people wait side by side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.fields import fault_in_rate_limit, fault_in_refusal, retry_after_s
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.limits import by_identity, limit_of, window_ms
from gatespec.checkers.twins import find_admitted_twins
from gatespec.checkers.windows import SlidingWindow, answer_of
from gatespec.engine.chapter import Chapter
from gatespec.engine.crowd import (
    FILLS,
    HOWS,
    SHORT_PLANS,
    Fill,
    How,
    LimiterMachine,
    in_process,
    is_in_process,
)
from gatespec.engine.story import after_asking, opens, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Exchange, Identity, Kind, Plan, Request

PEOPLE = 8
WHO = st.integers(0, PEOPLE - 1)
ALSO: dict[str, tuple[Kind, Plan]] = {
    "address": ("ip", "free"),
    "agent": ("agent", "enterprise"),
    "key": ("key", "free"),
    "service": ("service", "pro"),
    "user": ("user", "enterprise"),
}
AFFORDABLE = 100
"""Where a gateway's plans cannot be made small, a refusal that takes a thousand requests is not worth them."""
LONG_WINDOW = {"GATEWAY_RATE_WINDOW_S": "2.5", **SHORT_PLANS}
NOT_MODIFIED = 304
TELLING_MS = (499, 500, 501, 1499, 1500, 1501, 2499, 1000)
"""Into a window of 2.5 s: there whole seconds are left, 1 ms more or less, or but 1 ms; and, at the end, 1.5 s."""
WAIT_MAX_S = 10
"""A longer `Retry-After` is the gateway's right, but on the wire nobody would wait for such a judge."""
KNOCK_MARGIN = 20
"""A twentieth of the window later than any `Retry-After` can say, for an answer takes time on a wire."""
Placed = tuple[int, "Exchange"]


class RefusalMachine(LimiterMachine):
    """People of all sorts run into their limits, and do what the refusal tells them.

    Feature: provider-api-gateway, Property 7
    """

    @opens(also=st.sampled_from(sorted(ALSO)))
    def people_arrive(self, also: str) -> None:
        """Two plans, an anonymous client, and somebody of another sort: in process one of each, on the wire `also`."""
        self.meet(("user", "free"), ("user", "pro"), ("ip", "free"))
        others = list(ALSO.values()) if is_in_process(self) else [ALSO[also]]
        self.meet(*((kind, plan) for kind, plan in others if self._is_affordable(plan)))

    def _is_affordable(self, plan: Plan) -> bool:
        return limit_of(self.example.context.settings, plan) <= AFFORDABLE

    @told(who=WHO, instance=st.integers(0, 1), fill=FILLS, how=HOWS)
    def asks(self, who: int, instance: int, fill: Fill, how: How) -> None:
        """Ask one after the other."""
        self.ask_in_turn(self.person(who), instance, fill, how)

    @told(fill=FILLS)
    def all_ask_at_once(self, fill: Fill) -> None:
        """Everybody asks all instances, side by side."""
        requests = [
            self.request(who, place, "variously") for who in self.people for place in range(self.count(who, fill))
        ]
        self.note(self.ask(*requests))

    @after_asking
    @told(permille=st.integers(1, 400))
    def waits(self, permille: int) -> None:
        """Let a little of the window pass."""
        self.let_pass(permille)

    @told()
    def everybody_knocks_through_a_window(self) -> None:
        """All fill their window, are refused a limit's worth in its middle, and ask once when that must be over."""
        requests = [
            replace(self.request(who, place), delay_ms=delay_ms)
            for who in self.people
            for place, delay_ms in enumerate(self._knocks(who))
        ]
        self.note(self.ask(*requests))

    def _knocks(self, who: Identity) -> list[int]:
        limit, middle = self.limit(who), self.window_ms // 2
        at_most_told_ms = -(-middle // 1000) * 1000
        return [0] * limit + [middle] * limit + [middle + at_most_told_ms + self.window_ms // KNOCK_MARGIN]

    @in_process
    @told(first=st.integers(0, len(TELLING_MS) - 1))
    def all_are_refused_at_telling_moments(self, first: int) -> None:
        """After a window of silence all fill one, are refused each at another moment, and return when told."""
        moments = cycle(TELLING_MS[first:] + TELLING_MS[:first])
        requests = [
            replace(self.request(who, place), delay_ms=self.window_ms + (moment if place == self.limit(who) else 0))
            for who, moment in zip(self.people, moments, strict=False)
            for place in range(self.limit(who) + 1)
        ]
        self.note(self.ask(*requests))
        self._return_when_told()

    @after_asking
    @told()
    def those_refused_return_when_told(self) -> None:
        """Everybody whose last answer was a refusal waits `Retry-After` to the millisecond and asks once."""
        self._return_when_told()

    def _return_when_told(self) -> None:
        now = self.gateway.clock.now_ms()
        returns = [self._return(last, now) for last in self._last_answers() if self._is_worth_waiting(last)]
        if returns:
            self.note(self.ask(*returns))

    def _is_worth_waiting(self, last: Exchange) -> bool:
        told_s = retry_after_s(last) or 0
        return answer_of(last) == "refused" and (is_in_process(self) or told_s <= WAIT_MAX_S)

    @after_asking
    @told()
    def somebody_else_asks_the_same(self) -> None:
        """The twin of a refusal."""
        self.ask_for_a_twin()

    def _last_answers(self) -> list[Exchange]:
        return [exchanges[-1][1] for exchanges in by_identity(self.example).values()]

    def _return(self, refusal: Exchange, now_ms: int) -> Request:
        told_ms = (retry_after_s(refusal) or 0) * 1000
        request = self.request(refusal.request.identity, refusal.request.instance)
        return replace(request, delay_ms=max(0, refusal.span.heard_ms + told_ms - now_ms))


def check(example: Example, since: int) -> Findings:
    """The form of every limited answer; whoever waited as told is admitted; and no refusal was counted."""
    findings = Findings()
    for exchanges in by_identity(example).values():
        findings.add(_judge_person(exchanges, example, since))
    return findings


def witness(example: Example) -> Counter[str]:
    """Fields on answers of every sort, and clients that did as they were told."""
    marks = Counter({"refusal-twin-admitted": len(find_admitted_twins(example))})
    for exchanges in by_identity(example).values():
        for index in range(len(exchanges)):
            marks.update(_marks(exchanges, index))
    return marks


def _judge_person(exchanges: Sequence[Placed], example: Example, since: int) -> Findings:
    settings = example.context.settings
    plan = exchanges[0][1].request.identity.plan
    window = SlidingWindow(limit_of(settings, plan), window_ms(settings))
    for _, exchange in exchanges:
        window.hear(exchange.span, answer_of(exchange))
    findings = Findings()
    for index, (place, exchange) in enumerate(exchanges):
        if place >= since and exchange.status is not None:
            fault = _fault(exchange, index, window, plan) or _refused_wrongly(exchanges, index, window)
            findings.answers += 1
            findings.sharp += 1
            findings.breaches += [Breach(fault, place)] if fault else []
    return findings


def _fault(exchange: Exchange, index: int, window: SlidingWindow, plan: str) -> str | None:
    """What is wrong with the form of one answer."""
    surely, perhaps = window.bounds(index)
    if answer_of(exchange) == "refused":
        remaining = range(1)
        if fault := fault_in_refusal(exchange):
            return fault
    else:
        remaining = range(max(0, window.limit - 1 - perhaps), max(0, window.limit - 1 - surely) + 1)
    window_s = -(-window.window_ms // 1000)
    return fault_in_rate_limit(exchange.headers, plan, limit=window.limit, window_s=window_s, remaining=remaining)


def _refused_wrongly(exchanges: Sequence[Placed], index: int, window: SlidingWindow) -> str | None:
    if answer_of(exchanges[index][1]) != "refused":
        return None
    if obeyed := _obeyed(exchanges, index):
        return f"refused, though it waited the {retry_after_s(obeyed)} s of Retry-After and sent nothing else"
    if window.permits(index) == {"admitted"}:
        return f"refused, though only {window.bounds(index)[1]} of {window.limit} were admitted: refusals were counted"
    return None


def _obeyed(exchanges: Sequence[Placed], index: int) -> Exchange | None:
    """The refusal that was heard last before, if this request waited as it said and nothing else was under way."""
    again = exchanges[index][1].span
    overlapping = [e for _, e in exchanges[index + 1 :] if e.span.sent_ms < again.heard_ms]
    before = [e for _, e in reversed(exchanges[:index])]  # of those heard at one moment the last comes first
    last = max(overlapping + before, key=lambda e: e.span.heard_ms, default=None)
    if last is None or answer_of(last) != "refused":
        return None
    told_s = retry_after_s(last)
    return last if told_s and again.sent_ms >= last.span.heard_ms + told_s * 1000 else None


def _marks(exchanges: Sequence[Placed], index: int) -> Iterator[str]:
    exchange = exchanges[index][1]
    before = exchanges[index - 1][1] if index else None
    if answer_of(exchange) == "refused":
        yield "refused"
        if before is not None and answer_of(before) == "refused":
            yield "refused-again-meanwhile"
        return
    if "ratelimit" in exchange.headers:
        yield "not-modified-with-fields" if exchange.status == NOT_MODIFIED else "admitted-with-fields"
    if _obeyed(exchanges, index):
        yield "returned-after-retry-after"


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("people_arrive", {"also": "address"}),
        ("asks", {"who": 0, "instance": 0, "fill": "beyond", "how": "plainly"}),
        ("asks", {"who": 1, "instance": 1, "fill": "all", "how": "revalidating"}),
        ("those_refused_return_when_told", {}),
        ("everybody_knocks_through_a_window", {}),
        ("all_ask_at_once", {"fill": "beyond"}),
        ("somebody_else_asks_the_same", {}),
    ),
)

CHAPTER = Chapter(
    "P07",
    RefusalMachine,
    check,
    witness,
    settings={"component": LONG_WINDOW, "wire": LONG_WINDOW},
    examples={"component": 100, "wire": 15},
    steps=6,
    told_first=TOLD_FIRST,
)
