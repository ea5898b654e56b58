"""One provider's calls as its breaker met them: when each was admitted, when its end counted, and which read got none.

A call was admitted after the read that made it was sent and before the provider saw it; its end counted after the
provider had written its answer and before somebody who waited for it was answered. A call that nobody waited for, a
poll's, was admitted as it began, and counted as it ended.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby
from math import inf
from typing import TYPE_CHECKING, Literal

from gatespec.checkers.answers import SHOWN, reads_of
from gatespec.checkers.breaker import Moment
from gatespec.checkers.calls import CLIENT_LEFT, OK, ROUNDING_MS, Times, ended_ms, ledgers
from gatespec.checkers.flights import INVALIDATED_MS, Stop, stops_of
from gatespec.checkers.outages import FOUND_BACK_MS, WELL, StoreTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatespec.checkers.answers import Read
    from gatespec.checkers.breaker import Result
    from gatespec.checkers.calls import Ledger
    from gatespec.history import Example
    from gatespec.read_ports import Disturbance, UpstreamCall

RESULTS: Mapping[str, Result] = {
    OK: "succeeded",
    "limited": "limited",
    "unauthorized": "refused",
    "forbidden": "refused",
}
"""By the ledger's outcome; whatever else it says is a failure."""
ASKED_AGAIN = frozenset({"unauthorized", "forbidden", "reset"})
LOST: frozenset[Result] = frozenset({"refused", "limited", "none"})


@dataclass(frozen=True)
class Event:
    """Something that the breaker was told, or said."""

    what: Literal["admitted", "ended", "refused"]
    when: Moment
    serial: int = 0
    """Of the call; 0 for what was refused."""
    results: frozenset[Result] = frozenset()
    """Where it ended: as any of these."""
    read: Read | None = None
    """The read that surely was alone with the decision: no other call or read is told by this event."""
    retry_of: int = 0
    """The call whose second request this may be; 0: none."""


@dataclass(frozen=True)
class Provider:
    """What the record has of one provider, as far as one breaker decided on it."""

    name: str
    ledger: Ledger
    reads: Sequence[Read]
    """In the order sent."""
    times: Times
    stops: Sequence[Stop]
    invalidations: Sequence[Disturbance]
    until_ms: float = inf
    """What may have been decided later was perhaps decided by another."""
    instance: int | None = None
    """The one whose own breaker it is; None: all share it."""

    @property
    def slack_ms(self) -> int:
        """What the machine may be late by."""
        return self.ledger.slack_ms

    @cached_property
    def askers(self) -> Mapping[int, Sequence[Read]]:
        """By serial the reads that may have made a call: those under way as it began that surely made no other."""
        busy: dict[int, int] = {}
        found: dict[int, list[Read]] = {}
        for call in self.ledger.calls:
            met = self._met(call)
            free = [read for read in met if busy.get(read.place, call.serial) == call.serial]
            found[call.serial] = free or met
            if len(free) == 1:
                busy[free[0].place] = call.serial
        return found

    def _met(self, call: UpstreamCall) -> list[Read]:
        """The reads under way as it began, the latest first."""
        met: list[Read] = []
        for place in reversed(range(bisect_right(self._sent, call.began_ms + self.rounding_ms))):
            if self._peaks[place] + self.rounding_ms < call.began_ms:
                break
            if self.reads[place].heard_ms + self.rounding_ms >= call.began_ms:
                met.append(self.reads[place])
        return met

    @cached_property
    def _sent(self) -> list[int]:
        return [read.sent_ms for read in self.reads]

    @cached_property
    def _peaks(self) -> list[int]:
        """Until when one of the reads up to each was under way."""
        return list(accumulate((read.heard_ms for read in self.reads), max))

    @cached_property
    def _began(self) -> list[int]:
        return [call.began_ms for call in self.ledger.calls]

    @cached_property
    def _over(self) -> list[float]:
        """Until when one of the calls up to each was perhaps under way."""
        return list(accumulate((self.ledger.over_ms(call) for call in self.ledger.calls), max))

    def events(self) -> list[Event]:
        """All that was decided, in no order; of one instance's own breaker only what was surely its own."""
        calls = [call for call in self.ledger.calls if self._is_mine(call)]
        events = [*self._calls(calls), *(self._refusal(read) for read in self.reads if self._was_refused(read))]
        return [event for event in events if event.when.to_ms < self.until_ms or event.what == "ended"]

    def _is_mine(self, call: UpstreamCall) -> bool:
        asked = {read.exchange.request.instance for read in self.askers[call.serial]}
        return call.began_ms < self.until_ms and (self.instance is None or asked == {self.instance})

    def _refusal(self, read: Read) -> Event:
        first_ms, last_ms = _within(read)
        return Event("refused", Moment(first_ms, max(first_ms, last_ms)), read=read)

    def _calls(self, calls: Sequence[UpstreamCall]) -> Iterator[Event]:
        before: UpstreamCall | None = None
        for call in calls:
            admitted = Event("admitted", self._admitted(call), call.serial, read=self._alone(call))
            yield replace(admitted, retry_of=self._retry_of(call, before))
            if (when := self._counted(call)).from_ms < inf:
                yield Event("ended", when, call.serial, self._results(call))
            before = call

    def _alone(self, call: UpstreamCall) -> Read | None:
        asked = self.askers[call.serial]
        return asked[0] if len(asked) == 1 and self.is_sole(asked[0]) else None

    def _retry_of(self, call: UpstreamCall, before: UpstreamCall | None) -> int:
        """After a 401 or 403 whoever made the call renews the credential and asks once more.

        Where a connection that had stood was reset, a client of HTTP may send the request again (RFC 9110, 9.2.2).
        """
        if before is None or before.outcome not in ASKED_AGAIN:
            return 0
        if call.began_ms < ended_ms(before) - self.slack_ms:
            return 0
        same = set(self._places(call)) & set(self._places(before)) or not (self._places(call) or self._places(before))
        return before.serial if same else 0

    def _places(self, call: UpstreamCall) -> list[int]:
        return [read.place for read in self._met(call)]

    def _admitted(self, call: UpstreamCall) -> Moment:
        told = [d.began_ms for d in self.invalidations if d.began_ms <= call.began_ms <= self._heard_of_ms(d)]
        asked = [_within(read) for read in self.askers[call.serial]]
        first = min([*(first for first, _ in asked), *told], default=call.began_ms - self.slack_ms)
        last = call.began_ms + self.rounding_ms
        last = min(last, max((heard for _, heard in asked), default=last))
        return Moment(min(first, last), max(first, last))

    def _heard_of_ms(self, invalidation: Disturbance) -> int:
        return invalidation.done_ms + INVALIDATED_MS + self.slack_ms

    def _counted(self, call: UpstreamCall) -> Moment:
        """Whoever stood still as it ended counts it when he goes on; one that is gone does not."""
        end_ms, stops = ended_ms(call), self._stops(call)
        late = [s.resumed for s in stops if not s.killed and s.done_ms + self.slack_ms < end_ms]
        if None in late:
            return Moment(inf, inf)
        waited = [_within(read)[1] for read in self.askers[call.serial] if read.heard_ms >= end_ms - self.slack_ms]
        resumed = [s.resumed.done_ms + INVALIDATED_MS for s in stops if s.resumed and not s.killed]
        first = max([call.began_ms - self.rounding_ms, end_ms - self.slack_ms, *(d.began_ms for d in late if d)])
        last = end_ms + self.slack_ms if any(s.killed for s in stops) else max(waited, default=end_ms + self.slack_ms)
        return Moment(first, max([last, first, *resumed]))

    @property
    def rounding_ms(self) -> int:
        """By how much whole ms of two processes may disagree."""
        return min(ROUNDING_MS, self.slack_ms)

    def _stops(self, call: UpstreamCall) -> list[Stop]:
        """Those that may have kept its end from being counted."""
        asked = {read.exchange.request.instance for read in self.askers[call.serial]}
        return [
            stop
            for stop in self.stops
            if stop.began_ms - self.slack_ms <= ended_ms(call) and stop.done_ms + self.slack_ms >= call.began_ms
            if not asked or stop.instance in asked
        ]

    def _results(self, call: UpstreamCall) -> frozenset[Result]:
        told: Result = RESULTS.get(call.outcome, "failed")
        gave_up = call.outcome == CLIENT_LEFT
        early = gave_up and ended_ms(call) - call.began_ms < self.times.timeout_ms - self.slack_ms
        stops = self._stops(call)
        if not stops:
            return frozenset({told, "none"} if early else {told})
        return frozenset({"none"} if gave_up and early else {told, "failed", "none"})

    def is_sole(self, read: Read) -> bool:
        """Whether it needs a call of its own: it was alone, nothing fresh was at hand, and nobody was asking already.

        Whoever was told to wait for a leader that stands still, or is served while an invalidated key is fetched, or
        waited as long as he must, got no call for another reason.
        """
        if read.fault or not (read.nothing_known or read.exchange.status == SHOWN):
            return False
        if not self._is_alone(read) or read.took_ms >= self.times.patience_ms - self.slack_ms:
            return False
        before = bisect_left(self._began, read.sent_ms)
        if before and self._over[before - 1] >= read.sent_ms:
            return False
        return not self._is_led(read) and not self._is_fresh(read)

    def _is_alone(self, read: Read) -> bool:
        first = bisect_left(self._sent, read.sent_ms)
        before = self._peaks[first - 1] - read.edge_ms if first else -inf
        after = self._sent[first + 1] if first + 1 < len(self._sent) else inf
        return before < read.sent_ms + read.edge_ms and read.heard_ms - read.edge_ms < after + read.edge_ms

    def _is_fresh(self, read: Read) -> bool:
        ttl_ms = self.times.ttl_ms
        return ttl_ms > 0 and any(
            known.perhaps_by(read.heard_ms) and known.perhaps_younger(ttl_ms, read.sent_ms)
            for known in self.ledger.known
        )

    def _is_led(self, read: Read) -> bool:
        lease_ms = self.times.lease_ms + self.slack_ms
        spans = [(s.began_ms - self.slack_ms, s.done_ms + lease_ms) for s in self.stops]
        back = (s.resumed for s in self.stops if s.resumed)
        spans += [(d.began_ms, d.done_ms + INVALIDATED_MS + self.slack_ms) for d in (*back, *self.invalidations)]
        return any(first <= read.heard_ms and read.sent_ms <= last for first, last in spans)

    def _was_refused(self, read: Read) -> bool:
        if self.instance not in {None, read.exchange.request.instance} or not self.is_sole(read):
            return False
        first = bisect_left(self._began, read.sent_ms - self.rounding_ms)
        return first == bisect_right(self._began, read.heard_ms + self.rounding_ms)


def _within(read: Read) -> tuple[int, int]:
    """Its span without what its ends were rounded outwards by."""
    return read.sent_ms + read.edge_ms, read.heard_ms - read.edge_ms


def providers_of(example: Example) -> Iterator[Provider]:
    """Every breaker of the story on which the record can decide.

    What a provider's breaker knew when Redis went or came back is not known: it is judged from the first call on if
    Redis stays as it is, and until it changes; while it is away, of each instance by itself.
    """
    times, by_name = Times.of(example.context.settings), ledgers(example)
    reads = sorted(reads_of(example), key=lambda read: read.sent_ms)
    stops, store = stops_of(example.disturbances), StoreTimes.of(example)
    names = dict.fromkeys([*(name for read in reads for name in read.asked), *by_name])
    for name in names:
        told = [done for done in example.disturbances if done.what == "invalidate" and done.whom == name]
        own = Provider(name, by_name[name], [r for r in reads if name in r.asked], times, stops, told)
        yield from _breakers(own, store, range(example.context.instances))


def _breakers(provider: Provider, store: StoreTimes, instances: range) -> Iterator[Provider]:
    first_ms = _first_ms(provider)
    phase = store.phase(first_ms, first_ms)
    if phase is None:
        return
    held = replace(provider, until_ms=phase.to_ms)
    if phase.state != WELL:
        yield from (replace(held, instance=instance) for instance in instances if not _is_stopped(held, instance))
    elif first_ms >= phase.from_ms + FOUND_BACK_MS:
        yield held


def _is_stopped(provider: Provider, instance: int) -> bool:
    """Whether its memory may have been lost before Redis changed again."""
    return any(stop.instance == instance and stop.began_ms < provider.until_ms for stop in provider.stops)


def _first_ms(provider: Provider) -> float:
    called = (call.began_ms for call in provider.ledger.calls)
    return min([*called, *(read.sent_ms for read in provider.reads)], default=inf)


def in_clusters(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Events that may have come in any order among themselves, and surely after all of the cluster before."""
    ordered, latest, number = sorted(events, key=lambda e: e.when), -inf, 0
    numbered: list[tuple[int, Event]] = []
    for event in ordered:
        number += event.when.from_ms > latest
        latest = max(latest, event.when.to_ms)
        numbered.append((number, event))
    for _, cluster in groupby(numbered, key=lambda one: one[0]):
        yield [event for _, event in cluster]
