"""Mistakes about when a breaker opens, and how it closes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_calls import Breaker, LittleCalls

if TYPE_CHECKING:
    from tests.engine.little_calls import Outcome
    from tests.engine.little_parts import Flight, Instance
    from tests.engine.virtual_tasks import Task

HASTY = 5
"""Results that are thought to be enough."""


class OpensAboveTheRate(LittleCalls):
    """Half of the last calls is not enough: more have to fail."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def is_full(self) -> bool:
            return len(self.results) >= self.window and sum(self.results) > self.failures


class OpensTooSoon(LittleCalls):
    """Five calls are thought to be enough to tell."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def is_full(self) -> bool:
            return len(self.results) >= HASTY and sum(self.results) * self.window >= self.failures * len(self.results)


class CountsForEver(LittleCalls):
    """The window does not slide: all calls since the beginning are looked at."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def count(self, outcome: Outcome, now: int) -> None:
            self.window, window = 10**6, self.window
            super().count(outcome, now)
            self.window = window
            if len(self.results) >= window and sum(self.results) * window >= self.failures * len(self.results):
                self.becomes("open", now)


class FailuresInARow(LittleCalls):
    """Only failures one after the other open it."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def count(self, outcome: Outcome, now: int) -> None:
            if outcome == "succeeded":
                self.results = []
            super().count(outcome, now)


class NeverHalfOpens(LittleCalls):
    """Once open it stays so."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def admit(self, now: int) -> tuple[int, int] | None:
            return None if self.state == "open" else super().admit(now)


class HalfOpensTooSoon(LittleCalls):
    """It is tried again when most of its time is over."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def admit(self, now: int) -> tuple[int, int] | None:
            return super().admit(now + self.open_ms // 5)


class ClosesAfterOneSuccess(LittleCalls):
    """The first trial that succeeds closes it."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            super().tried(place, outcome, now)
            if outcome == "succeeded":
                self.becomes("closed", now)


class FailedTrialForgiven(LittleCalls):
    """A trial that failed leaves it half-open, and the next one is made."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            if outcome == "failed":
                self.pending.discard(place)
                self.admitted.pop()
                return
            super().tried(place, outcome, now)


class TimerNotRestarted(LittleCalls):
    """When a trial fails the old open time goes on, and is over."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            super().tried(place, outcome, now)
            if self.state == "open":
                self.since = now - self.open_ms // 2


class LateResultsCount(LittleCalls):
    """A result counts in whatever period it comes."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def counts(self, period: int) -> bool:
            return self.period >= period


class PerInstance(LittleCalls):
    """Each process has a breaker of its own."""

    kills = "P04"

    def breaker(self, instance: Instance, provider: str) -> Task:
        yield from ()
        return self.own.setdefault((instance.number, provider), self.breaker_kind(*self.rules))


class WithoutRedisNone(LittleCalls):
    """With Redis away there is no breaker at all."""

    kills = "P04"

    def breaker(self, instance: Instance, provider: str) -> Task:
        found = yield from super().breaker(instance, provider)
        return self.breaker_kind(*self.rules) if instance.away else found


class WindowKept(LittleCalls):
    """It closes with what it had counted before it opened."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def becomes(self, state: Any, now: int) -> None:  # noqa: ANN401 - a word
            kept = self.results
            super().becomes(state, now)
            self.results = kept


class UnauthorizedCounts(LittleCalls):
    """A credential that is refused counts as a failure of the provider."""

    kills = "P04"

    def outcome_of(self, status: int | None) -> Outcome:
        del status
        return "failed"


class OnlyServerErrorsCount(LittleCalls):
    """Connections that break, and bodies that nobody can read, are not counted."""

    kills = "P04"

    def outcome_of(self, status: int | None) -> Outcome:
        return "failed" if status and status >= 500 else "uncounted"


class TimeOutsDoNotCount(LittleCalls):
    """A call that was given up is no failure."""

    kills = "P04"

    def outcome(self, instance: Instance, name: str, flight: Flight) -> Outcome:
        return "uncounted" if flight.timed_out else super().outcome(instance, name, flight)


class LostTrialBlocks(LittleCalls):
    """A trial of which nobody hears takes its place for ever."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def settle(self, now: int) -> None:
            """Wait for it."""

        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            if outcome != "uncounted":
                super().tried(place, outcome, now)

        def may_try(self) -> bool:
            return not self.pending


class UncountedTrialSucceeds(LittleCalls):
    """A trial that was answered at all is a success."""

    kills = "P04"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            super().tried(place, "succeeded" if outcome == "uncounted" else outcome, now)


class OneForAll(LittleCalls):
    """All providers have one breaker."""

    kills = "P04"

    def breaker(self, instance: Instance, provider: str) -> Task:
        del provider
        return super().breaker(instance, "all")


MUTANTS: list[Any] = [
    OpensAboveTheRate,
    OpensTooSoon,
    CountsForEver,
    FailuresInARow,
    NeverHalfOpens,
    HalfOpensTooSoon,
    ClosesAfterOneSuccess,
    FailedTrialForgiven,
    TimerNotRestarted,
    LateResultsCount,
    PerInstance,
    WithoutRedisNone,
    WindowKept,
    UnauthorizedCounts,
    OnlyServerErrorsCount,
    TimeOutsDoNotCount,
    LostTrialBlocks,
    UncountedTrialSucceeds,
    OneForAll,
]
