"""P01 - Cache lookup order.

    A read looks in L2 (in process), then L1 (Redis), then asks providers; each miss fills the tiers above it. With
    Redis unreachable the gateway answers from L2 and providers, and never fails because of it; a Redis that hangs
    costs a request at most `GATEWAY_REDIS_BUDGET_S`, and once known to be away nothing, until a background probe sees
    it answer.

The order is decided by evidence: the providers' ledgers say who was asked, a Redis that hangs says who asked it, and
Cache-Status has only to agree. What Redis cost is what a read took beyond its call and beyond what reads took while
Redis was well. Nothing expires by itself here before a story lets it, and nothing is refreshed early.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import stateful
from hypothesis import strategies as st

from gatespec.checkers.answers import SHOWN
from gatespec.checkers.lookups import HANGING, Lookup, judge_budget, judge_lookups, lookups
from gatespec.checkers.outages import FOUND_BACK_MS, WELL, StoreTimes
from gatespec.checkers.tiers import L1, L2, NoCacheStatus, Tier
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import after_asking, opens, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.checkers.findings import Findings
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.read_ports import StoreState

PROVIDERS = 3
WHO = st.integers(0, PROVIDERS - 1)
AWAY: st.SearchStrategy[StoreState] = st.sampled_from(("refusing", "hanging"))


def while_away(rule: Any) -> Any:  # noqa: ANN401 - Hypothesis' own type for a rule
    """Keep a rule for stories in which Redis has gone: before, it is waited for in vain, on the wire for real."""
    return stateful.precondition(lambda machine: machine.away)(rule)


class LookupMachine(ReadMachine):
    """Somebody reads on both instances, while Redis is well, away, and back.

    Feature: provider-api-gateway, Property 1
    """

    away = False

    @opens(known=st.booleans())
    def providers_arrive(self, known: bool) -> None:  # noqa: FBT001 - a word of the story
        """One of them may be known to all tiers already."""
        self.arrive(PROVIDERS)
        if known:
            for instance in (0, 1, 1):
                self.ask(self.read(self.named([0]), instance))

    @told(who=WHO, instance=INSTANCES)
    def reads(self, who: int, instance: int) -> None:
        """Read one provider."""
        self.ask(self.read(self.named([who]), instance))

    @told(instance=INSTANCES)
    def reads_all(self, instance: int) -> None:
        """Read every provider at once: what Redis costs a request is one budget, however many keys it looks up."""
        self.ask(self.read(self.providers, instance))

    @told(who=WHO, first=INSTANCES)
    def all_instances_read(self, who: int, first: int) -> None:
        """Read one provider on one instance, twice on the other, and on the first again."""
        for instance in (first, first + 1, first + 1, first):
            self.ask(self.read(self.named([who]), instance))

    @told(state=AWAY)
    def redis_goes(self, state: StoreState) -> None:
        """Let it refuse and cut all connections, or keep them and say nothing."""
        self.away = True
        self.gateway.store(state)

    @while_away
    @told()
    def redis_returns(self) -> None:
        """Let it be well again, and give a probe the time to see that."""
        self.away = False
        self.gateway.store("well")
        self.gateway.wait(FOUND_BACK_MS)

    @after_asking
    @told(permille=st.sampled_from((500, 1500)))
    def waits(self, permille: int) -> None:
        """Let the newest offers be still fresh, or expired."""
        self.let_age(permille)


def witness(example: Example) -> Counter[str]:
    """Reads from every tier, with Redis in every state."""
    marks: Counter[str] = Counter()
    counted = example.context.tier != "component"
    bit = {phase.state for phase in StoreTimes.of(example).phases if phase.bit or not counted}
    for lookup in lookups(example):
        tiers, read = _tiers(lookup), lookup.read
        phase = lookup.store.phase(read.sent_ms, read.heard_ms)
        shown = read.exchange.status == SHOWN
        if lookup.in_l2 and L2 in tiers and tiers[L2].is_fresh_hit:
            marks["served-from-l2"] += 1
            marks["tiers-filled-above"] += any(L2 in (t := _tiers(o)) and not t[L2].hit for o in lookup.met_here)
        if not lookup.met_here and lookup.in_l1 and L1 in tiers and tiers[L1].is_fresh_hit:
            marks["served-from-l1"] += 1
            marks["redis-found-back"] += _is_back(lookup)
        marks["served-from-provider"] += shown and any(
            c.serial == read.of(lookup.provider).serial for c in lookup.calls
        )
        if shown and phase and phase.state != WELL and phase.state in bit:
            marks["redis-hung" if phase.state == HANGING else "redis-refused"] += 1
    return marks


def _tiers(lookup: Lookup) -> Mapping[str, Tier]:
    try:
        return lookup.tiers
    except NoCacheStatus:
        return {}


def _is_back(lookup: Lookup) -> bool:
    """Whether Redis had been away before."""
    phase = lookup.store.phase(lookup.read.sent_ms, lookup.read.heard_ms)
    return phase is not None and phase is not lookup.store.phases[0]


def judge(example: Example, since: int) -> Findings:
    """Where a read looks, and what that costs, one provider at a time or several."""
    findings = judge_lookups(example, since)
    findings.add(judge_budget(example, since))
    return findings


def _outage(state: StoreState) -> Story:
    """Redis goes and returns: meanwhile known providers and unknown ones are read, afterwards one more."""
    return (
        ("providers_arrive", {"known": True}),
        ("redis_goes", {"state": state}),
        ("all_instances_read", {"who": 1, "first": 1}),
        ("reads", {"who": 0, "instance": 0}),
        ("reads", {"who": 0, "instance": 1}),
        ("reads", {"who": 2, "instance": 0}),
        ("redis_returns", {}),
        ("waits", {"permille": 1500}),
        ("all_instances_read", {"who": 2, "first": 0}),
    )


TOLD_FIRST: tuple[Story, ...] = (
    _outage("refusing"),
    _outage("hanging"),
    (
        ("providers_arrive", {"known": True}),
        ("redis_goes", {"state": "hanging"}),
        ("reads_all", {"instance": 1}),
        ("redis_returns", {}),
    ),
)
SHORT = {
    "GATEWAY_TTL_PRICING_S": "6",
    "GATEWAY_REDIS_BUDGET_S": "0.2",
    **UNHINDERED,
}

CHAPTER = Chapter(
    "P01",
    LookupMachine,
    judge,
    witness,
    settings={"component": UNHINDERED, "wire": SHORT, "real-time": UNHINDERED},
    examples={"component": 150, "wire": 8},
    steps=10,
    told_first=TOLD_FIRST,
    needs=Needs(store_faults=True),
    on_cluster=20,
)
