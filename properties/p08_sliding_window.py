"""P08 - Sliding window.

    Admissions are counted over the trailing window, never in fixed buckets: no alignment of bursts yields more than
    the limit in any window.

Fixed buckets let twice the limit through around an edge, and estimates from two buckets let a burst at the end of the
one hide in the other; this property exists to catch both. It also catches windows of the instance's own clock: in
process the instances' clocks stand apart, and what one forgets the other has just admitted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gatespec.checkers.limits import by_identity, judge_limits, limit_of, window_ms
from gatespec.checkers.twins import find_admitted_twins
from gatespec.checkers.windows import answer_of
from gatespec.engine.chapter import Chapter
from gatespec.engine.crowd import (
    FILLS,
    PERMILLE,
    SHORT_WINDOW,
    Fill,
    LimiterMachine,
    in_process,
    is_in_process,
)
from gatespec.engine.story import after_asking, opens, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Exchange, Identity, Kind, Plan

PEOPLE = 2
STEPS_IN_HALF = 2
DAY_MS = 86_400_000
FRACTIONAL_WINDOW = {"GATEWAY_RATE_WINDOW_S": "1.5", "GATEWAY_RATE_PRO": "12", "GATEWAY_RATE_ENTERPRISE": "16"}
"""Not of whole seconds, which would hide a limiter that counts in them; the larger plans small enough to burst."""
MEETABLE: dict[str, tuple[Kind, Plan]] = {
    "address": ("ip", "free"),
    "agent": ("agent", "enterprise"),
    "key": ("key", "free"),
    "professional": ("user", "pro"),
    "service": ("service", "pro"),
    "user": ("user", "free"),
}
AFFORDABLE = 100
"""Where a gateway's plans cannot be made small, a thousand requests per burst would be all that a run has time for."""
INSTANCES = st.integers(0, 1)
WHO = st.integers(0, PEOPLE - 1)


class SlidingWindowMachine(LimiterMachine):
    """Two people burst, wait and burst again, at any distance from any edge.

    Feature: provider-api-gateway, Property 8
    """

    @opens(
        people=st.lists(st.sampled_from(sorted(MEETABLE)), min_size=PEOPLE, max_size=PEOPLE),
        apart_permille=st.sampled_from((0, 300, 700, 1500)),
        before_midnight_ms=st.sampled_from((501, 0, 501)),
    )
    def clocks_stand(self, people: list[str], apart_permille: int, before_midnight_ms: int) -> None:
        """Set the second instance's own clock ahead by thousandths of a window, and all of them to an edge of a day.

        Both where the driver can: a window that ends with the second, the minute or the day ends there.
        """
        ahead = self.window_ms * apart_permille // 1000
        self.gateway.skew([ahead if place % 2 else 0 for place in range(self.gateway.instances)])
        if is_in_process(self) and before_midnight_ms:
            self.gateway.wait(DAY_MS - (self.gateway.clock.now_ms() + before_midnight_ms) % DAY_MS)
        self.meet(*(MEETABLE[person] for person in people if self._is_affordable(MEETABLE[person][1])))

    def _is_affordable(self, plan: Plan) -> bool:
        return limit_of(self.example.context.settings, plan) <= AFFORDABLE

    @told(who=WHO, instance=INSTANCES, fill=FILLS)
    def asks(self, who: int, instance: int, fill: Fill) -> None:
        """Ask one after the other."""
        self.ask_in_turn(self.person(who), instance, fill)

    @told(who=WHO, fill=FILLS)
    def asks_everywhere_at_once(self, who: int, fill: Fill) -> None:
        """Ask all instances side by side."""
        self.ask_at_once(self.person(who), fill)

    @after_asking
    @told(permille=PERMILLE)
    def waits(self, permille: int) -> None:
        """Let part of a window pass, or more than one."""
        self.let_pass(permille)

    @told()
    def everybody_slides_through_a_window(self) -> None:
        """Half a limit at its beginning, more than the rest in its middle, one at its end: as the first half leaves."""
        requests = [
            replace(self.request(who, place), delay_ms=delay_ms)
            for who in self.people
            for place, delay_ms in enumerate(self._slide(who))
        ]
        self.note(self.ask(*requests))

    def _slide(self, who: Identity) -> list[int]:
        half, window = self.count(who, "half"), self.window_ms
        # One after the other, a little apart: side by side, no single one of them would have one permitted answer.
        first, second = range(half), range(self.limit(who) - half + 1)
        apart = window // (2 * STEPS_IN_HALF * (1 + len(second)))
        return (
            [apart * n for n in first]
            + [window // 2 + apart * n for n in second]
            + [window + window // 10 + half * apart]
        )

    @in_process
    @told(who=WHO)
    def the_edge_is_met_to_the_millisecond(self, who: int) -> None:
        """Fill a window, and ask in its last ms and in the first one after it: a wire could not tell them apart."""
        somebody, window = self.person(who), self.window_ms
        delays = [window] * self.limit(somebody) + [2 * window - 1, 2 * window]
        self.ask(*(replace(self.request(somebody, place), delay_ms=delay) for place, delay in enumerate(delays)))

    @after_asking
    @told()
    def somebody_else_asks_the_same(self) -> None:
        """The twin of a refusal."""
        self.ask_for_a_twin()


def witness(example: Example) -> Counter[str]:
    """Bursts on both sides of an edge, over both instances, refused and readmitted as the window slides."""
    settings = example.context.settings
    marks = Counter({"refusal-twin-admitted": len(find_admitted_twins(example))})
    for exchanges in by_identity(example).values():
        limit = limit_of(settings, exchanges[0][1].request.identity.plan)
        marks += _marks([e for _, e in exchanges], limit, window_ms(settings))
    stood = dict(example.story).get("clocks_stand", {})
    if example.context.tier == "component" and stood.get("apart_permille"):
        marks["clocks-apart"] = marks["both-instances"]
    return marks


def _marks(exchanges: Sequence[Exchange], limit: int, window: int) -> Counter[str]:
    marks: Counter[str] = Counter()
    refused = [e for e in exchanges if answer_of(e) == "refused"]
    admitted = [e for e in exchanges if answer_of(e) == "admitted"]
    marks["refused"] = len(refused)
    marks["both-instances"] = int(bool(refused) and len({e.request.instance for e in admitted}) > 1)
    marks["readmitted-within-window"] = sum(_readmitted(e, exchanges, window) for e in admitted)
    marks["burst-across-edge"] = sum(
        0 < late.span.sent_ms - early.span.heard_ms - window // 2 < window
        for early, late in zip(admitted, admitted[limit:], strict=False)
    )
    return marks


def _readmitted(admission: Exchange, exchanges: Sequence[Exchange], window: int) -> bool:
    """Whether it came after a refusal, with an earlier admission still inside: only a sliding window does so."""
    before = [e for e in exchanges if e.span.heard_ms <= admission.span.sent_ms and e is not admission]
    after_refusal = any(answer_of(e) == "refused" for e in before)
    inside = any(answer_of(e) == "admitted" and e.span.sent_ms > admission.span.heard_ms - window for e in before)
    return after_refusal and inside


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("clocks_stand", {"people": ["user", "address"], "apart_permille": 700, "before_midnight_ms": 0}),
        ("everybody_slides_through_a_window", {}),
        ("somebody_else_asks_the_same", {}),
        ("waits", {"permille": 1001}),
        ("asks_everywhere_at_once", {"who": 0, "fill": "beyond"}),
        ("waits", {"permille": 1001}),
        ("asks_everywhere_at_once", {"who": 0, "fill": "beyond"}),
        ("somebody_else_asks_the_same", {}),
    ),
)

CHAPTER = Chapter(
    "P08",
    SlidingWindowMachine,
    judge_limits,
    witness,
    settings={"component": FRACTIONAL_WINDOW, "wire": SHORT_WINDOW},
    examples={"component": 200, "wire": 40},
    steps=10,
    told_first=TOLD_FIRST,
)
