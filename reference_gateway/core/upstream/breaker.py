"""The breaker of one provider: closed, open or half-open, as a value; every change is a new value.

Time is an argument, in integer milliseconds of the one clock that all go by. A value may be asked after any time:
what was due meanwhile (a trial that never ended) is made good first, by `settled`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reference_gateway.core.upstream.ports import Refused

if TYPE_CHECKING:
    from reference_gateway.core.upstream.ports import Outcome, Rules, State


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state, and what decides on the next one."""

    period: int = 0
    """Rises with every change of state; 0: no call was ever admitted."""
    state: State = "closed"
    results: tuple[bool, ...] = ()
    """Closed: of the last calls, oldest first, whether they failed."""
    opened_ms: int = 0
    """Open: since when."""
    trials: tuple[int | None, ...] = ()
    """Half-open: when each trial began; None once it succeeded."""

    def settled(self, rules: Rules, now_ms: int) -> Breaker:
        """Fail the trial whose result is overdue, at the moment when it was due.

        Where the clock stepped back, what lies in the future happened now: an open breaker must not stay so for as
        long as the step.
        """
        trials = tuple(began if began is None else min(began, now_ms) for began in self.trials)
        due = [began + rules.trial_ms for began in trials if began is not None]
        if due and min(due) <= now_ms:
            return self._open(min(due))
        return replace(self, opened_ms=min(self.opened_ms, now_ms), trials=trials)

    def refusal(self, rules: Rules, now_ms: int) -> Refused | None:
        """Say why no call may begin, if so."""
        open_left_ms = self.opened_ms + rules.open_ms - now_ms
        if self.state == "open" and open_left_ms > 0:
            return Refused("open", open_left_ms)
        under_way = [began for began in self.trials if began is not None]
        # None is under way, though all were given, only where fewer are asked for than when the trials began.
        if under_way and len(self.trials) >= rules.trials:
            return Refused("trials", min(under_way) + rules.trial_ms - now_ms)
        return None

    def admitted(self, now_ms: int) -> Breaker:
        """Let a call begin, of which `refusal` said nothing; it is the last of `trials` unless closed."""
        if self.state == "closed":
            return self if self.period else replace(self, period=self._next(now_ms))
        if self.state == "open":
            return Breaker(self._next(now_ms), "half-open", trials=(now_ms,))
        return replace(self, trials=(*self.trials, now_ms))

    def finished(self, period: int, trial: int, outcome: Outcome, rules: Rules, now_ms: int) -> Breaker:
        """Count a call that was admitted in `period`, and in no other."""
        if period != self.period:
            return self
        if self.state == "half-open":
            return self._tried(trial, outcome, rules, now_ms)
        if self.state == "closed" and outcome != "uncounted":
            return self._counted(rules, now_ms, failed=outcome == "failure")
        return self

    def _tried(self, trial: int, outcome: Outcome, rules: Rules, now_ms: int) -> Breaker:
        if not 1 <= trial <= len(self.trials) or self.trials[trial - 1] is None:
            return self
        if outcome != "success":
            return self._open(now_ms)
        trials = (*self.trials[: trial - 1], None, *self.trials[trial:])
        if trials.count(None) >= rules.trials:
            return Breaker(self._next(now_ms))
        return replace(self, trials=trials)

    def _counted(self, rules: Rules, now_ms: int, *, failed: bool) -> Breaker:
        results = (*self.results, failed)[-rules.window :]
        if len(results) == rules.window and sum(results) / rules.window >= rules.failure_rate:
            return self._open(now_ms)
        return replace(self, results=results)

    def _open(self, now_ms: int) -> Breaker:
        return Breaker(self._next(now_ms), "open", opened_ms=now_ms)

    def _next(self, now_ms: int) -> int:
        """Number the next period: by the clock, so that numbers rise even over the loss of all that was known."""
        return max(self.period + 1, now_ms)

    def shifted(self, by_ms: int) -> Breaker:
        """Say the same by a clock that is ahead by so much."""
        trials = tuple(began if began is None else began + by_ms for began in self.trials)
        return replace(self, opened_ms=self.opened_ms + by_ms, trials=trials)
