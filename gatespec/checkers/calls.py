"""The providers' ledger as checkers ask it: what was surely known when, and what perhaps.

A call's answer reaches the gateway at some moment after the provider wrote it, and a key's age may be counted from the
call's beginning or from its answer: the contract says neither, so a checker permits both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING

from gatespec.checkers.answers import reads_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatespec.checkers.answers import Read
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

OK, IN_FLIGHT, CLIENT_LEFT = "ok", "in-flight", "client-left"
"""Outcomes: the gateway was told the list; not yet anything; it gave up, or died."""
HOPS = 4
"""Judge, gateway, provider or Redis, gateway: each may be as late as the echo beside the run."""
RESERVE = 4
"""A quarter of the deadline: in it a gateway may stop waiting, for an answer takes time to make and to travel."""
ROUNDING_MS = 2
"""Spans and calls are whole ms of processes of their own: on a wire nothing is told closer."""


@dataclass(frozen=True)
class Times:
    """The contract's times as this gateway has them, in ms."""

    ttl_ms: int
    static_ms: int
    """Of the catalogue."""
    stale_ms: int
    deadline_ms: int
    timeout_ms: int
    lease_ms: int
    budget_ms: int

    @property
    def patience_ms(self) -> int:
        """How long a read surely waits for what it lacks."""
        return self.deadline_ms - self.deadline_ms // RESERVE

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Times:
        """Read them from an example's context."""
        names = ("TTL_PRICING", "TTL_STATIC", "STALE", "DEADLINE", "UPSTREAM_TIMEOUT", "LEASE", "REDIS_BUDGET")
        return cls(*(int(Decimal(settings[f"GATEWAY_{name}_S"]) * 1000) for name in names))


def allowance_ms(example: Example) -> int:
    """How much later than it says a bound may be met: what the machine alone was late; in process nothing."""
    if example.context.tier == "component":
        return 0
    return HOPS * example.lag_ms + ROUNDING_MS


@dataclass(frozen=True)
class Known:
    """A completed call, as a thing to be known."""

    serial: int
    began_ms: int
    ended_ms: int
    told_ms: int
    """By when its answer surely was with the gateway."""
    slack_ms: int
    asked_ms: int
    """When whoever made the gateway call may have asked: from then on, at the earliest, its age may be counted."""
    awaited: bool
    """Whether surely somebody still waited for it: past the deadline a gateway may have given it up."""

    def surely_by(self, moment_ms: int) -> bool:
        """Whether its answer surely was with the gateway; within one ms nobody can tell what came first."""
        return self.awaited and self.told_ms < moment_ms

    def perhaps_by(self, moment_ms: int) -> bool:
        """Whether its answer may have been with the gateway: what a ledger writes down was sent a little before."""
        return self.ended_ms - self.slack_ms <= moment_ms

    def surely_younger(self, age_ms: int, moment_ms: int) -> bool:
        """Whether it surely is younger than that, from wherever its age is counted."""
        return moment_ms < self.asked_ms - self.slack_ms + age_ms

    def perhaps_younger(self, age_ms: int, moment_ms: int) -> bool:
        """Whether there is a way to count its age by which it is younger than that."""
        return moment_ms < self.ended_ms + self.slack_ms + age_ms


class Ledger:
    """Every call of one provider, in order of arrival, and what reads told of them."""

    def __init__(
        self, name: str, calls: Iterable[UpstreamCall], reads: Sequence[Read], times: Times, slack_ms: int
    ) -> None:
        self.calls = sorted(calls, key=lambda call: call.serial)
        self.slack_ms = slack_ms
        self._over_ms = {call.serial: _over_ms(name, call, reads, slack_ms) for call in self.calls}
        self.known = [
            Known(
                call.serial,
                call.began_ms,
                call.ended_ms,
                int(self._over_ms[call.serial]),
                slack_ms,
                _asked_ms(name, call, before, reads),
                call.ended_ms - call.began_ms <= times.patience_ms,
            )
            for before, call in zip([None, *self.calls], self.calls, strict=False)
            if call.outcome == OK and call.ended_ms is not None
        ]

    def over_ms(self, call: UpstreamCall) -> float:
        """By when the gateway surely knew what had become of it; never, where it is in flight."""
        return self._over_ms[call.serial]

    def get(self, serial: int) -> Known | None:
        """The completed call that was answered with this price."""
        return next((known for known in self.known if known.serial == serial), None)

    def surely_known(self, moment_ms: int) -> list[Known]:
        """What the gateway surely had been told by then."""
        return [known for known in self.known if known.surely_by(moment_ms)]

    def during(self, from_ms: int, to_ms: int) -> list[UpstreamCall]:
        """Calls that perhaps were under way at some moment between these, both included."""
        return [call for call in self.calls if call.began_ms <= to_ms and self.over_ms(call) >= from_ms]


def ended_ms(call: UpstreamCall) -> float:
    """When it ended; never, where it is in flight."""
    return inf if call.ended_ms is None else call.ended_ms


def _asked_ms(name: str, call: UpstreamCall, before: UpstreamCall | None, reads: Sequence[Read]) -> int:
    """The first read that can have made it: one that was under way as it began, and after the call before it.

    A cluster is asked for its lease first, and that on a busy machine: tens of ms lie between the two.
    """
    from_ms = 0 if before is None or before.ended_ms is None else before.ended_ms
    under_way = (read for read in reads if name in read.asked and read.sent_ms <= call.began_ms <= read.heard_ms)
    return min(call.began_ms, max(from_ms, min((read.sent_ms for read in under_way), default=call.began_ms)))


def _over_ms(name: str, call: UpstreamCall, reads: Sequence[Read], slack_ms: int) -> float:
    """Soon after it ended, or earlier: when somebody was answered who had waited for it."""
    waited = (
        read.heard_ms - 2 * read.edge_ms
        for read in reads
        if read.sent_ms <= call.began_ms and ended_ms(call) <= read.heard_ms and name in read.asked
        if read.of(name).serial == call.serial or read.is_alone(name, reads)
    )
    return min([ended_ms(call) + slack_ms, *waited])


def ledgers(example: Example) -> defaultdict[str, Ledger]:
    """The ledger of each provider that the story read; an empty one of any other."""
    slack_ms, times = allowance_ms(example), Times.of(example.context.settings)
    by_name: defaultdict[str, list[UpstreamCall]] = defaultdict(list)
    for call in example.calls:
        by_name[call.provider].append(call)
    reads = list(reads_of(example))
    made = {name: Ledger(name, calls, reads, times, slack_ms) for name, calls in by_name.items()}
    return defaultdict(lambda: Ledger("", (), (), times, slack_ms), made)
