"""Where a read looked, by evidence: which calls were made, what Cache-Status names, and how long Redis was waited for.

Judged are reads of one provider that nobody else read meanwhile, with early refreshes off and nothing invalidated. What
an instance showed as fresh it surely has in L2; what was fetched while Redis was well is surely in L1. Where neither is
sure, nothing is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gatespec.checkers.answers import SHOWN, Read, reads_of
from gatespec.checkers.calls import OK, Times, allowance_ms, ended_ms, ledgers
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.outages import StoreTimes
from gatespec.checkers.tiers import L1, L2, NoCacheStatus, Tier, tiers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatespec.checkers.calls import Known, Ledger
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

HANGING = "hanging"


@dataclass(frozen=True)
class Lookup:
    """One read of one provider, and what is known of what it should have found."""

    read: Read
    ledger: Ledger
    earlier: Sequence[Lookup]
    """What was answered before it was sent, of any provider."""
    store: StoreTimes
    times: Times

    @property
    def provider(self) -> str:
        """Whom it asked for."""
        return self.read.asked[0]

    @cached_property
    def calls(self) -> list[UpstreamCall]:
        """Those that it made: begun while it was under way."""
        return [c for c in self.ledger.calls if self.read.sent_ms <= c.began_ms <= self.read.heard_ms]

    @cached_property
    def met_here(self) -> list[Lookup]:
        """Earlier reads of the provider at the same instance."""
        return [other for other in self.earlier if other.provider == self.provider and self.is_beside(other)]

    def is_beside(self, other: Lookup) -> bool:
        """Whether both were asked of one instance."""
        return other.read.exchange.request.instance == self.read.exchange.request.instance

    @cached_property
    def in_l2(self) -> Known | None:
        """What L2 surely holds and may serve: this instance showed it as fresh, and it still is.

        Who finds Redis back may drop what L2 held, for an invalidation may have been missed meanwhile.
        """
        here, sent = self.met_here, self.read.sent_ms
        shown = [o.read.of(self.provider) for o in here if not self.store.found_back_since(o.read.sent_ms, sent)]
        known = [self.ledger.get(one.serial) for one in shown if one.serial and one.is_fresh]
        return next((k for k in reversed(known) if k and self._is_fresh(k)), None)

    @cached_property
    def in_l1(self) -> Known | None:
        """What L1 surely holds and may serve: it was fetched while Redis was well, which it has been since."""
        known = [k for k in self.ledger.surely_known(self.read.sent_ms) if self._is_fresh(k)]
        return next((k for k in reversed(known) if self.store.surely_used(k.began_ms, self.read.heard_ms)), None)

    def _is_fresh(self, known: Known) -> bool:
        return known.surely_younger(self.times.ttl_ms, self.read.heard_ms)

    @cached_property
    def is_missing(self) -> bool:
        """Whether surely no tier holds anything fresh, so that the provider is to be asked."""
        before = [k for k in self.ledger.known if k.began_ms < self.read.sent_ms]
        return not any(k.perhaps_younger(self.times.ttl_ms, self.read.sent_ms) for k in before)

    @cached_property
    def tiers(self) -> Mapping[str, Tier]:
        """What Cache-Status says; raise `NoCacheStatus` where it says nothing."""
        return tiers_of(self.read.exchange)

    @property
    def cost_ms(self) -> int:
        """How long it took beyond the call that it waited for."""
        return cost_of(self.read, self.ledger)

    @property
    def was_well(self) -> bool:
        """Whether Redis surely was, all the while."""
        return self.store.surely_used(self.read.sent_ms, self.read.heard_ms)

    @cached_property
    def may_cost_ms(self) -> int | None:
        """What a hanging Redis may cost it; None where it surely was well, or that cannot be told."""
        away = self.store.outage(self.read.sent_ms, self.read.heard_ms)
        if away is None:
            return None
        phase, since_ms = away
        met = [o for o in self.earlier if self.is_beside(o) and o.read.sent_ms >= since_ms]
        return 0 if phase.state != HANGING or self._was_known(met) else self.times.budget_ms

    def _was_known(self, met: Sequence[Lookup]) -> bool:
        """Whether the instance surely knew by these reads that Redis is away.

        Which node of a cluster has which key is the gateway's affair: each read that waited has learnt of one.
        """
        if self.store.servers == 1:
            return any(o.calls for o in met)
        return sum(o.cost_ms > self.times.budget_ms // 2 for o in met) >= self.store.servers


def cost_of(read: Read, ledger: Ledger) -> int:
    """How long a read took beyond a provider's call that it waited for."""
    sent, heard = read.sent_ms, read.heard_ms
    under_way = ledger.during(sent, heard)
    return heard - sent - int(max([0, *(min(heard, ended_ms(c)) - max(sent, c.began_ms) for c in under_way)]))


def lookups(example: Example) -> Iterator[Lookup]:
    """The lone reads of one provider each, in the order sent."""
    times, by_name, store = Times.of(example.context.settings), ledgers(example), StoreTimes.of(example)
    before: list[Lookup] = []
    reads = list(reads_of(example))
    for read in reads:
        if len(read.asked) == 1 and read.is_alone(read.asked[0], reads):
            earlier = [o for o in before if o.read.is_before(read)]
            before.append(Lookup(read, by_name[read.asked[0]], earlier, store, times))
            yield before[-1]


def judge_lookups(example: Example, since: int) -> Findings:
    """Hold every lone read of one provider against where it should have looked."""
    findings = Findings()
    for lookup in lookups(example):
        if lookup.read.place < since:
            continue
        findings.answers += 1
        findings.sharp += bool(lookup.in_l2 or lookup.in_l1 or lookup.is_missing)
        fault = _fault_in_answer(lookup) or _fault_in_order(lookup) or _fault_in_cost(lookup, example)
        if fault:
            findings.breaches.append(Breach(fault, lookup.read.place))
    return findings


def judge_budget(example: Example, since: int) -> Findings:
    """Hold every read of several providers against the one budget that it has for all of them together."""
    findings, alone, store = Findings(), list(lookups(example)), StoreTimes.of(example)
    times, by_name = Times.of(example.context.settings), ledgers(example)
    for read in reads_of(example, since):
        away = store.outage(read.sent_ms, read.heard_ms) if len(read.asked) > 1 else None
        well = [o.cost_ms for o in alone if o.read.place < read.place and o.was_well]
        if away is None or not well:
            continue
        may_cost_ms = times.budget_ms if away[0].state == HANGING else 0
        cost_ms = min(cost_of(read, by_name[name]) for name in read.asked) - max(well)
        findings.add(Findings(answers=1, sharp=1))
        if cost_ms > may_cost_ms + _unclear_ms(times, example):
            fault = f"Redis, which was away, cost a read of {len(read.asked)} providers {cost_ms} ms; it may cost "
            findings.breaches.append(Breach(f"{fault}{may_cost_ms} ms for all of them together", read.place))
    return findings


def _fault_in_answer(lookup: Lookup) -> str | None:
    """Providers are well here: so nothing but Redis can keep a read from its offers, and it may not."""
    read = lookup.read
    if read.fault or any(call.outcome != OK and call.ended_ms is not None for call in lookup.calls):
        return read.fault or None
    if read.exchange.status != SHOWN or read.of(lookup.provider).serial is None:
        phase = lookup.store.phase(read.sent_ms, read.heard_ms)
        state = phase.state if phase else "coming or going"
        return f"answered {read.exchange.status} without offers while {lookup.provider} was well and Redis {state}"
    return None


def _fault_in_order(lookup: Lookup) -> str | None:
    name, held = lookup.provider, lookup.in_l2 or lookup.in_l1
    if held and lookup.calls:
        where = "L2 of this instance" if lookup.in_l2 else "L1"
        return f"{name} was asked although {where} held what its call {held.serial} said"
    if lookup.read.exchange.status != SHOWN:
        return None
    try:
        return _fault_in_tiers(lookup, list(lookup.tiers))
    except NoCacheStatus as missing:
        return str(missing)


def _fault_in_tiers(lookup: Lookup, named: list[str]) -> str | None:
    fault = _fault_in_hits(lookup, named) or _fault_in_names(lookup, named)
    return f"{fault}: Cache-Status is {lookup.read.exchange.headers.get('cache-status')}" if fault else None


def _fault_in_hits(lookup: Lookup, named: list[str]) -> str | None:
    hits = {name for name, tier in lookup.tiers.items() if tier.is_fresh_hit} & {L1, L2}
    if lookup.in_l2:
        alone = L2 in hits and L1 not in named
        return None if alone else f"L2 held {lookup.provider}, and was to be asked first and alone"
    if lookup.in_l1 and not hits:
        return f"L1 held {lookup.provider}, but neither tier has a hit"
    if lookup.is_missing and hits:
        return f"no tier held {lookup.provider} fresh, but there is a hit"
    return None


def _fault_in_names(lookup: Lookup, named: list[str]) -> str | None:
    """Each tier consulted has its place: L2 always, L1 where L2 had nothing and Redis was well."""
    if L2 not in named:
        return "every read looks in L2 first"
    if L1 in named:
        return "L1 is nearer the provider, and stands first" if named.index(L1) > named.index(L2) else None
    used = lookup.store.surely_used(lookup.read.sent_ms, lookup.read.heard_ms)
    return "what L2 has not is looked for in L1 next" if used and not lookup.tiers[L2].hit else None


def _fault_in_cost(lookup: Lookup, example: Example) -> str | None:
    if lookup.may_cost_ms is None or (usual_ms := _usual_ms(lookup)) is None:
        return None
    cost_ms = lookup.cost_ms - usual_ms
    if cost_ms <= lookup.may_cost_ms + _unclear_ms(lookup.times, example):
        return None
    known = "nothing, for this instance knew" if lookup.may_cost_ms == 0 else f"{lookup.may_cost_ms} ms"
    return f"Redis, which was away, cost a request {cost_ms} ms; it may cost {known}"


def _unclear_ms(times: Times, example: Example) -> int:
    """On a wire a timer is late by more than an echo is: told apart are no budget, one and two, at half of one."""
    return 0 if example.context.tier == "component" else times.budget_ms // 2 + allowance_ms(example)


def _usual_ms(lookup: Lookup) -> int | None:
    """The most that a read took by itself while Redis was well: what is measured, not what is hoped for."""
    return max((o.cost_ms for o in lookup.earlier if o.was_well), default=None)
