"""How many calls an instance had in flight to a provider, and whether its places and its queue did what they are for.

Judged on crowds: readers of one provider, each under a key of his own, who come to one instance at one moment. Only
where the ledger knows the instance, that is in process.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import OK, Times, ended_ms
from gatespec.checkers.findings import Breach, Findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.checkers.answers import Read
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall


@dataclass(frozen=True)
class Room:
    """What the providers file gives a provider at each instance."""

    concurrency: int
    queue: int

    @property
    def both(self) -> int:
        """Calls at work and waiting."""
        return self.concurrency + self.queue


@dataclass(frozen=True)
class Crowd:
    """Readers of one provider who came to one instance at one moment, and the calls that began for them."""

    provider: str
    instance: int
    reads: Sequence[Read]
    calls: Sequence[UpstreamCall]
    alone: bool
    """Whether nothing else of this provider surely was in flight at this instance when they came."""

    @property
    def place(self) -> int:
        """Which exchange shows it."""
        return self.reads[-1].place

    @property
    def shown(self) -> int:
        """How many of them were shown what was fetched for them."""
        return sum(read.of(self.provider).is_fresh for read in self.reads)

    @property
    def longest_ms(self) -> float:
        """What its longest call took."""
        return max((ended_ms(call) - call.began_ms for call in self.calls), default=0)

    @property
    def shortest_ms(self) -> float:
        """What its shortest call took."""
        return min((ended_ms(call) - call.began_ms for call in self.calls), default=0)


def crowds_of(example: Example) -> list[Crowd]:
    """Every crowd, in order."""
    together: defaultdict[tuple[int, int, str], list[Read]] = defaultdict(list)
    for read in reads_of(example):
        for name in read.asked:
            together[read.sent_ms, read.exchange.request.instance, name].append(read)
    return [_crowd(name, instance, reads, example.calls) for (_, instance, name), reads in together.items()]


def _crowd(name: str, instance: int, reads: Sequence[Read], calls: Sequence[UpstreamCall]) -> Crowd:
    from_ms, to_ms = reads[0].sent_ms, max(read.heard_ms for read in reads)
    own = [call for call in calls if (call.provider, call.instance) == (name, instance)]
    before = any(call.began_ms < from_ms < ended_ms(call) for call in own)
    return Crowd(name, instance, reads, [c for c in own if from_ms <= c.began_ms <= to_ms], not before)


def judge_places(example: Example, since: int, room: Room) -> Findings:
    """Never more in flight than there are places; and of a crowd as many answered as room was for."""
    findings, times = Findings(), Times.of(example.context.settings)
    for crowd in (crowd for crowd in crowds_of(example) if crowd.place >= since):
        findings.answers += len(crowd.reads)
        findings.sharp += len(crowd.reads)
        findings.breaches += (Breach(what, crowd.place) for what in _faults(crowd, room, times))
    return findings


def _faults(crowd: Crowd, room: Room, times: Times) -> Iterator[str]:
    named = f"instance {crowd.instance} to {crowd.provider}"
    if (most := most_at_once(crowd.calls)) > room.concurrency:
        yield f"{named}: {most} calls were in flight at once, where {room.concurrency} may be"
    if crowd.shortest_ms > 0 and len(crowd.calls) > room.both:
        yield f"{named}: {len(crowd.calls)} calls for readers who came at once, where {room.both} have room"
    due = surely_due(crowd, room, times)
    if crowd.shown < due:
        yield f"{named}: of {len(crowd.reads)} readers who came at once {crowd.shown} were shown anything, not {due}"


def most_at_once(calls: Sequence[UpstreamCall]) -> int:
    """The most calls that were in flight at one moment; who begins when another ends has taken its place."""
    begins = [(float(call.began_ms), 1) for call in calls]
    ends = [(ended_ms(call), -1) for call in calls]
    return max(accumulate(change for _, change in sorted(begins + ends)), default=0)


def surely_due(crowd: Crowd, room: Room, times: Times) -> int:
    """How many of a crowd have to be shown something: where every call succeeds, as many as have room and time."""
    if not crowd.alone or any(call.outcome != OK for call in crowd.calls):
        return 0
    longest_ms = max(crowd.longest_ms, 1)
    waves = int(times.patience_ms // longest_ms)
    return min(len(crowd.reads), room.both, waves * room.concurrency)
