"""How a provider's endpoints were, by its ledger alone: in or out, slow or not, as surely as the ledger says it.

What an attempt or a probe said takes effect on all instances between its end and `SETTLE_MS` later. Wherever the
statement can be read in two ways, both are kept: whether latencies of failed attempts count, whether what was before
an endpoint went out still does, whether a probe interrupts a row of failures.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from gatespec.checkers.calls import CLIENT_LEFT, OK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatespec.read_ports import UpstreamCall

LAST = 10
"""Attempts whose latencies are averaged."""
ROW = 3
"""Failures in a row that put an endpoint out."""
SETTLE_MS = 100
"""How soon all instances know: a Redis that is well is asked with every call."""
RETRY_MS = 30_000
"""Where nothing probes, an endpoint that is out may be tried again after so long."""
UNCOUNTED = frozenset({"unauthorized", "forbidden", "limited"})
"""Outcomes that are no endpoint's failure for certain."""


class State(NamedTuple):
    """How an endpoint is."""

    out: bool
    slow: bool


@dataclass(frozen=True)
class Rules:
    """What endpoints and their breaker go by, as this gateway has it."""

    slow_ms: int
    interval_ms: int
    """0: nothing is probed."""
    window: int
    failure_rate: Decimal
    trials: int

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Rules:
        """Read them from an example's context."""
        slow_ms, interval_ms = (int(Decimal(settings[f"GATEWAY_{n}_S"]) * 1000) for n in ("SLOW", "HEALTH_INTERVAL"))
        breaker = (settings[f"GATEWAY_BREAKER_{n}"] for n in ("WINDOW", "FAILURE_RATE", "TRIALS"))
        window, failure_rate, trials = breaker
        return cls(slow_ms, interval_ms, int(window), Decimal(failure_rate), int(trials))


@dataclass(frozen=True)
class Change:
    """From when on an endpoint may have been so, and from when on it surely was one of these."""

    perhaps_ms: int
    at_ms: int
    states: frozenset[State]


@dataclass
class _Latencies:
    """The last attempts of one way to count them."""

    took: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=LAST))
    """Of each the least and the most that it may have taken, in ms."""

    def add(self, call: UpstreamCall, slack_ms: int) -> None:
        took = (call.ended_ms or call.began_ms) - call.began_ms
        self.took.append((0 if call.outcome == CLIENT_LEFT else took, took + slack_ms))

    def slow(self, slow_ms: int) -> set[bool]:
        """Fewer than `LAST` may count as slow, and need not."""
        bound = slow_ms * len(self.took)
        surely, perhaps = (sum(each) > bound for each in zip(*self.took, strict=True)) if self.took else (False, False)
        return {surely and len(self.took) == LAST, perhaps}


class _Endpoint:
    """What is known of an endpoint, result by result."""

    def __init__(self, rules: Rules, slack_ms: int) -> None:
        self._rules, self._slack_ms = rules, slack_ms
        self._all, self._completed, self._since_out = _Latencies(), _Latencies(), _Latencies()
        self._row_least = self._row_most = 0
        self._out: set[bool] = {False}

    def take(self, call: UpstreamCall) -> None:
        """Count one result."""
        if call.kind == "probe":
            self._probed(well=call.outcome == OK)
        else:
            self._attempted(call)

    def _probed(self, *, well: bool) -> None:
        self._row_least = 0 if well else self._row_least
        self._become({not well})

    def _attempted(self, call: UpstreamCall) -> None:
        for each in (self._all, self._since_out, *([self._completed] if call.outcome == OK else [])):
            each.add(call, self._slack_ms)
        if call.outcome == OK:
            self._row_least = self._row_most = 0
        elif call.outcome not in UNCOUNTED:
            self._row_least, self._row_most = self._row_least + 1, self._row_most + 1
            self._become({True} if self._row_least >= ROW else self._out | {self._row_most >= ROW} - {False})

    def _become(self, out: set[bool]) -> None:
        if True in out and True not in self._out:
            self._since_out = _Latencies()
        self._out = out

    @property
    def states(self) -> frozenset[State]:
        """Whatever it may be."""
        ways = (self._all, self._completed, self._since_out)
        slow = set[bool]().union(*(way.slow(self._rules.slow_ms) for way in ways))
        return frozenset(State(*each) for each in product(self._out, slow))


class Health:
    """One endpoint's, through a story."""

    def __init__(self, results: Iterable[UpstreamCall], rules: Rules, slack_ms: int) -> None:
        """`results` are its attempts and probes, those in flight left out."""
        self._slack_ms = slack_ms
        endpoint = _Endpoint(rules, slack_ms)
        self.changes = [Change(0, 0, endpoint.states)]
        for call in sorted(results, key=lambda call: call.ended_ms or 0):
            endpoint.take(call)
            ended_ms = call.ended_ms or 0
            if endpoint.states != self.changes[-1].states:
                # When the gateway gave an attempt up, nobody says for certain.
                perhaps_ms = call.began_ms if call.outcome == CLIENT_LEFT else ended_ms
                self.changes.append(Change(perhaps_ms, ended_ms, endpoint.states))
        if not rules.interval_ms:
            self.changes = list(_tried_again(self.changes))

    def states(self, from_ms: int, to_ms: int) -> frozenset[State]:
        """Whatever some instance may have known at some moment between."""
        settled = [change for change in self.changes if change.at_ms <= from_ms - SETTLE_MS - self._slack_ms]
        rest = self.changes[max(0, len(settled) - 1) :]
        return frozenset().union(*(c.states for c in rest if c.perhaps_ms <= to_ms + self._slack_ms))


def _tried_again(changes: Sequence[Change]) -> Iterable[Change]:
    for change, later in zip(changes, [*changes[1:], None], strict=True):
        yield change
        again_ms = change.at_ms + RETRY_MS
        if all(state.out for state in change.states) and (later is None or later.at_ms > again_ms):
            yield Change(again_ms, again_ms, change.states | {s._replace(out=False) for s in change.states})
