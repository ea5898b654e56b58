"""P04 - Breaker.

    Per provider: closed -> open when at least 50 % of the last 10 calls failed (and at least 10 were made); open ->
    half-open after 30 s, at the next call; half-open admits 3 trial calls: 3 successes close it with an empty window,
    one failure opens it for a fresh 30 s; a trial without a countable result (none, 401, 403, 429) counts as failed, at
    the latest after `GATEWAY_BREAKER_TRIAL_S`. State is shared by all instances through Redis (with Redis away: per
    instance). A result counts only in the same period of the state in which its call was admitted.

Nothing is ever fresh here (a TTL of 0), so that each read makes a call or is refused one: the providers' ledgers tell
which. What a breaker knew when Redis went is not known: with Redis away providers are judged that nobody called before.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

from gatespec.checkers.flights import INVALIDATED_MS
from gatespec.checkers.outages import FOUND_BACK_MS
from gatespec.checkers.periods import explained, judge_breakers
from gatespec.checkers.turns import alone_without_redis, turns_of
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.crowd import in_process
from gatespec.engine.reading import UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told
from gatespec.ports import Untestable
from gatespec.read_ports import Act

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.ports import Identity
    from gatespec.read_ports import Failing

Outcome = Literal["well", "fails", "resets", "babbles", "hangs", "unauthorized", "forbidden", "limited"]

PROVIDERS = 2
WINDOW = 10
CALLED: dict[Outcome, Failing] = {
    "well": "",
    "fails": "status",
    "resets": "reset",
    "babbles": "undecodable",
    "hangs": "hang",
    "unauthorized": "unauthorized",
    "forbidden": "forbidden",
    "limited": "limited",
}
WELL: tuple[Outcome, ...] = ("well",)
FAILS: tuple[Outcome, ...] = ("fails",)
WHO = st.integers(0, PROVIDERS - 1)
ASKED = st.integers(0, 2)
"""One instance, the other, or both in turn."""
OFTEN: tuple[Outcome, ...] = ("well", "fails", "well", "fails", "well", "resets", "babbles")
OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from((*OFTEN, *CALLED))
FAILED = st.sampled_from((5, 4, 10, 6, 9))
"""Of ten calls: half of them, one fewer, or more."""
ORDERS = st.sampled_from(("well first", "failed first"))
PASSES = st.sampled_from((1001, 500, 900, 990, 1001, 2000))
"""Of the open time, in thousandths, since the last call: until after it, in its midst, shortly before its end."""
CROWDS = st.integers(2, 6)
TRIES: st.SearchStrategy[Outcome] = st.sampled_from(("well", "fails", "unauthorized"))
APART_MS = 25
"""Spans are whole ms of two processes, rounded outwards."""
SLOW = 2
"""A slow call takes such a part of its time-out."""


class BreakerMachine(ReadMachine):
    """Providers fail, are left alone, are tried, and fail again or are back.

    Feature: provider-api-gateway, Property 4
    """

    @opens()
    def providers_arrive(self) -> None:
        """Nobody has called them yet."""
        self.arrive(PROVIDERS)
        self.slow_ms = self.times.timeout_ms // SLOW

    def named(self, places: Iterable[int]) -> tuple[str, ...]:
        """Of those who came last: what the others' breakers know may not be known any more."""
        newest = self.providers[-PROVIDERS:]
        return tuple(dict.fromkeys(newest[place % PROVIDERS] for place in places))

    def call(self, who: int, outcomes: Sequence[Outcome], asked: int) -> None:
        """Read one after the other, each of which makes a call that ends so, or none."""
        (name,), before = self.named([who]), ""
        for place, outcome in enumerate(outcomes):
            if outcome != before:
                self.gateway.provider(name, failing=CALLED[outcome])
            self.ask(self.read([name], place if asked > 1 else asked))
            before = outcome

    def let_pass(self, permille: int) -> None:
        """Let time pass until the last call ended so many thousandths of the open time ago."""
        calls = self.gateway.calls(self.providers)
        last_ms = max((call.ended_ms or call.began_ms for call in calls), default=self.gateway.clock.now_ms())
        over_ms = last_ms + self.open_ms * permille // 1000
        self.gateway.wait(max(0, over_ms - self.gateway.clock.now_ms()))

    @property
    def open_ms(self) -> int:
        """How long a breaker stays open."""
        return int(float(self.example.context.settings["GATEWAY_BREAKER_OPEN_S"]) * 1000)

    @told(who=WHO, outcomes=st.lists(OUTCOMES, min_size=1, max_size=6), asked=ASKED)
    def calls_are_made(self, who: int, outcomes: list[Outcome], asked: int) -> None:
        """One after the other; with a breaker that is open there are none."""
        self.call(who, outcomes, asked)

    @told(who=WHO, failed=FAILED, order=ORDERS, asked=ASKED)
    def a_window_is_filled(self, who: int, failed: int, order: str, asked: int) -> None:
        """Ten calls, of which so many fail, and then a read on each instance."""
        outcomes = [*WELL * (WINDOW - failed), *FAILS * failed]
        self.call(who, outcomes if order == "well first" else outcomes[::-1], asked)
        self.call(who, WELL * 2, 2)

    @after_asking
    @told(permille=PASSES)
    def time_passes(self, permille: int) -> None:
        """Measured in open times since the last call, which may have opened a breaker."""
        self.let_pass(permille)

    @after_asking
    @told(who=WHO, outcomes=st.lists(TRIES, min_size=1, max_size=3), asked=ASKED)
    def it_is_tried(self, who: int, outcomes: list[Outcome], asked: int) -> None:
        """After the open time calls are made again, and one more read tells what came of them."""
        self.let_pass(1001)
        self.call(who, [*outcomes, outcomes[-1]], asked)

    @in_process
    @told(who=WHO, readers=CROWDS, outcome=TRIES, asked=ASKED)
    def a_crowd_reads(self, who: int, readers: int, outcome: Outcome, asked: int) -> None:
        """Each under a key of his own, so that there may be as many calls at once."""
        names = self.named([who])
        self.gateway.provider(names[0], latency_ms=self.slow_ms, failing=CALLED[outcome])
        people = [self._somebody_with_a_credential(names) for _ in range(readers)]
        places = range(len(people))
        self.ask(
            *(
                replace(self.read(names, n if asked > 1 else asked, n * self.slow_ms // 8), identity=people[n])
                for n in places
            )
        )

    def _somebody_with_a_credential(self, names: Sequence[str]) -> Identity:
        """Where the door can lend him none he reads as everybody."""
        somebody = self.gateway.fresh("user", "enterprise")
        with suppress(Untestable):
            self.gateway.own_credential(somebody, names)
        return somebody

    @after_asking
    @told(who=WHO)
    def a_leader_comes_back_late(self, who: int) -> None:
        """It stood still during its call, while the breaker opened and closed again: what it brings home is of old.

        Afterwards four of ten calls fail: one failure more would open the breaker.
        """
        (name,) = self.named([who])
        self.call(who, WELL, 0)
        self.gateway.provider(name, latency_ms=self.slow_ms, failing="status")
        self.example.exchanges.append(self.gateway.invalidate(name, 0))
        self.gateway.wait(self.slow_ms // 4)
        self.gateway.life(0, "paused")
        self.gateway.wait(self.times.lease_ms + self.slow_ms)
        self.call(who, FAILS * WINDOW, 1)
        self.let_pass(1001)
        self.call(who, WELL * 3, 1)
        self.gateway.life(0, "running")
        self.gateway.wait(2 * INVALIDATED_MS)
        self.call(who, [*FAILS * 4, *WELL * 6], 1)

    @in_process
    @told(who=WHO, outcome=TRIES)
    def an_instance_dies_during_a_call(self, who: int, outcome: Outcome) -> None:
        """Nobody hears of its result; if it was a trial it counts as failed before long."""
        names = self.named([who])
        self.let_pass(1001)
        self.gateway.provider(names[0], latency_ms=self.slow_ms, failing=CALLED[outcome])
        dies = Act(self.slow_ms // 2, lambda: self.gateway.life(0, "killed"))
        self.example.exchanges += self.gateway.during([self.read(names, 0)], dies)
        self.gateway.life(0, "running")
        self.gateway.wait(2 * INVALIDATED_MS)
        self.call(who, WELL, 1)
        self.let_pass(1500)
        self.call(who, WELL * 4, 1)

    @in_process
    @told(failed=FAILED)
    def redis_is_away_for_a_while(self, failed: int) -> None:
        """New providers are called meanwhile: one instance's breaker may open, and the other's stays closed."""
        self.gateway.store("refusing")
        self.arrive(PROVIDERS)
        self.call(0, [*WELL * (WINDOW - failed), *FAILS * failed], 0)
        for asked in (0, 1, 0, 1):
            # Without Redis answers are so quick that only a pause tells whose read made which call.
            self.gateway.wait(APART_MS)
            self.call(0, FAILS, asked)
        self.gateway.wait(APART_MS)
        self.gateway.store("well")
        self.gateway.wait(FOUND_BACK_MS)
        self.arrive(PROVIDERS)


def witness(example: Example) -> Counter[str]:
    """What each breaker went through, as far as it is certain."""
    breakers = explained(example)
    marks: Counter[str] = Counter({"alone-without-redis": alone_without_redis(breakers)})
    for breaker in breakers:
        marks.update(turns_of(breaker))
    return marks


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("providers_arrive", {}),
        ("a_window_is_filled", {"who": 0, "failed": 5, "order": "well first", "asked": 0}),
        ("time_passes", {"permille": 900}),
        ("calls_are_made", {"who": 0, "outcomes": ["well"], "asked": 1}),
        ("it_is_tried", {"who": 0, "outcomes": ["well", "well", "well"], "asked": 2}),
        ("calls_are_made", {"who": 0, "outcomes": ["fails"] * 8, "asked": 2}),
        ("calls_are_made", {"who": 0, "outcomes": ["fails", "well"], "asked": 2}),
    ),
    (
        ("providers_arrive", {}),
        ("a_window_is_filled", {"who": 0, "failed": 4, "order": "failed first", "asked": 2}),
        ("calls_are_made", {"who": 0, "outcomes": ["fails"] * 7, "asked": 1}),
        ("it_is_tried", {"who": 0, "outcomes": ["well", "fails"], "asked": 2}),
        ("time_passes", {"permille": 500}),
        ("calls_are_made", {"who": 0, "outcomes": ["well"], "asked": 0}),
        ("time_passes", {"permille": 900}),
        ("calls_are_made", {"who": 0, "outcomes": ["well"], "asked": 1}),
        ("it_is_tried", {"who": 0, "outcomes": ["unauthorized"], "asked": 0}),
        ("time_passes", {"permille": 900}),
        ("calls_are_made", {"who": 0, "outcomes": ["well"], "asked": 1}),
        ("time_passes", {"permille": 2000}),
        ("calls_are_made", {"who": 0, "outcomes": ["limited", "well"], "asked": 1}),
    ),
    (
        ("providers_arrive", {}),
        ("calls_are_made", {"who": 0, "outcomes": ["unauthorized"] * 5, "asked": 2}),
        ("calls_are_made", {"who": 0, "outcomes": ["forbidden"] * 5, "asked": 2}),
        ("calls_are_made", {"who": 0, "outcomes": ["fails"] * 4, "asked": 2}),
        ("calls_are_made", {"who": 1, "outcomes": [*["well"] * 5, "hangs", "resets", "resets", "babbles"], "asked": 2}),
        ("calls_are_made", {"who": 1, "outcomes": ["babbles", "well"], "asked": 2}),
        ("calls_are_made", {"who": 0, "outcomes": ["well"], "asked": 0}),
    ),
    (
        ("providers_arrive", {}),
        ("a_leader_comes_back_late", {"who": 0}),
    ),
    (
        ("providers_arrive", {}),
        ("redis_is_away_for_a_while", {"failed": 5}),
        ("a_window_is_filled", {"who": 0, "failed": 5, "order": "failed first", "asked": 1}),
        ("an_instance_dies_during_a_call", {"who": 0, "outcome": "well"}),
    ),
)
WATCHED = {**UNHINDERED, "GATEWAY_TTL_PRICING_S": "0", "GATEWAY_BREAKER_WINDOW": str(WINDOW)}
SHORT = {
    "GATEWAY_BREAKER_OPEN_S": "1",
    "GATEWAY_BREAKER_TRIAL_S": "0.45",
    "GATEWAY_DEADLINE_S": "2",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "0.4",
    "GATEWAY_LEASE_S": "1",
    # Redis must not look away on a starved machine, or each instance rightly goes by its own breaker.
    "GATEWAY_REDIS_BUDGET_S": "1",
    **WATCHED,
}

CHAPTER = Chapter(
    "P04",
    BreakerMachine,
    judge_breakers,
    witness,
    settings={"component": WATCHED, "wire": SHORT, "real-time": WATCHED},
    examples={"component": 100, "wire": 6},
    steps=7,
    told_first=TOLD_FIRST,
    needs=Needs(store_faults=True),
    on_cluster=20,
)
