"""A provider's calls as its ledger and its readers show them: one per read, of one attempt or two; and its breaker."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import CLIENT_LEFT, OK, Times, allowance_ms
from gatespec.checkers.health import SETTLE_MS, UNCOUNTED, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.answers import Read
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall


@dataclass(frozen=True)
class Call:
    """What one read that nobody else's met led to at the provider."""

    read: Read
    attempts: Sequence[UpstreamCall]
    closed: bool | None
    """Whether the breaker surely was closed when it was sent, or surely was not; None: nobody can tell."""

    @property
    def first(self) -> UpstreamCall | None:
        """The attempt that it began with; None where it made none."""
        return self.attempts[0] if self.attempts else None

    @property
    def second(self) -> UpstreamCall | None:
        """The one made once more."""
        return self.attempts[1] if len(self.attempts) > 1 else None

    def as_met(self, timeout_ms: int) -> list[UpstreamCall]:
        """The attempts as the gateway met them: what had not come within the call's time was given up then."""
        last_ms = self.attempts[0].began_ms + timeout_ms if self.attempts else 0
        return [_cut(attempt, last_ms) for attempt in self.attempts]

    @property
    def instance(self) -> int:
        """Who made it."""
        return self.read.exchange.request.instance


def _cut(attempt: UpstreamCall, last_ms: int) -> UpstreamCall:
    late = attempt.ended_ms is not None and attempt.ended_ms > last_ms >= attempt.began_ms
    return replace(attempt, ended_ms=last_ms, outcome=CLIENT_LEFT) if late else attempt


@dataclass
class _Breaker:
    """As P04 has it, of calls that come one after the other; None once nobody can tell."""

    rules: Rules
    results: deque[bool] = field(default_factory=deque)
    closed: bool | None = True
    trials: int = 0
    changed_ms: int = -(10**9)

    def closed_at(self, moment_ms: int, slack_ms: int) -> bool | None:
        """Soon after a change not every instance need have heard of it."""
        return self.closed if moment_ms >= self.changed_ms + SETTLE_MS + slack_ms else None

    def take(self, moment_ms: int, *, failed: bool | None) -> None:
        """Count a call's outcome; None: nobody can tell."""
        if failed is None or self.closed is None:
            self._become(moment_ms, closed=None)
        elif self.closed:
            self._count(moment_ms, failed=failed)
        else:
            self._try(moment_ms, failed=failed)

    def _count(self, moment_ms: int, *, failed: bool) -> None:
        self.results.append(failed)
        if len(self.results) > self.rules.window:
            self.results.popleft()
        full = len(self.results) == self.rules.window
        if full and sum(self.results) >= self.rules.failure_rate * self.rules.window:
            self.trials = 0
            self._become(moment_ms, closed=False)

    def _try(self, moment_ms: int, *, failed: bool) -> None:
        self.trials = 0 if failed else self.trials + 1
        if self.trials == self.rules.trials:
            self.results.clear()
            self._become(moment_ms, closed=True)

    def _become(self, moment_ms: int, *, closed: bool | None) -> None:
        self.closed, self.changed_ms = closed, moment_ms


def calls_of(example: Example) -> dict[str, list[Call]]:
    """Each provider's calls, in order; of reads that overlap another, and of attempts beside any read, none is told."""
    reads = sorted(reads_of(example), key=lambda read: read.sent_ms)
    by_name: defaultdict[str, list[UpstreamCall]] = defaultdict(list)
    for attempt in example.calls:
        by_name[attempt.provider].append(attempt)
    names = dict.fromkeys(name for read in reads for name in read.asked)
    return {name: _calls_of(name, by_name[name], reads, example) for name in names}


def _calls_of(name: str, attempts: Sequence[UpstreamCall], reads: Sequence[Read], example: Example) -> list[Call]:
    rules, times = Rules.of(example.context.settings), Times.of(example.context.settings)
    breaker, slack_ms, calls = _Breaker(rules), allowance_ms(example), list[Call]()
    asked = [read for read in reads if name in read.asked]
    within = _within(asked, attempts)
    read_for = {attempt.serial for made in within for attempt in made}
    beside = min((attempt.began_ms for attempt in attempts if attempt.serial not in read_for), default=inf)
    for read, made, alone in zip(asked, within, _alone(asked), strict=True):
        closed = breaker.closed_at(read.sent_ms, slack_ms) if read.sent_ms < beside else None
        if all(attempt.ended_ms is not None for attempt in made) and alone:
            calls.append(Call(read, made, closed))
        if made:
            breaker.take(_over_ms(made[-1]), failed=_failed(made, times.timeout_ms, slack_ms))
    return calls


def _over_ms(attempt: UpstreamCall) -> int:
    return attempt.began_ms if attempt.ended_ms is None else attempt.ended_ms


def _alone(reads: Sequence[Read]) -> list[bool]:
    """Of each, in the order sent, whether no other was under way meanwhile."""
    clear = [earlier.is_before(later) for earlier, later in pairwise(reads)]
    return [before and after for before, after in zip([True, *clear], [*clear, True], strict=True)] if reads else []


def _within(reads: Sequence[Read], attempts: Sequence[UpstreamCall]) -> list[list[UpstreamCall]]:
    """Which attempts began during which read: of two that share a ms the later one, for an attempt takes its time."""
    within: list[list[UpstreamCall]] = [[] for _ in reads]
    sent = [read.sent_ms for read in reads]
    for attempt in attempts:
        place = bisect_right(sent, attempt.began_ms) - 1
        if place >= 0 and attempt.began_ms <= reads[place].heard_ms:
            within[place].append(attempt)
    return within


def _failed(attempts: Sequence[UpstreamCall], timeout_ms: int, slack_ms: int) -> bool | None:
    """Whether the call failed; None where it was that near to its time-out, or no failure for certain."""
    first, last = attempts[0], attempts[-1]
    if last.ended_ms is None or last.outcome in UNCOUNTED:
        return None
    took_ms = last.ended_ms - first.began_ms
    if last.outcome == OK and timeout_ms - slack_ms <= took_ms <= timeout_ms + slack_ms:
        return None
    return last.outcome != OK or took_ms > timeout_ms
