"""Mistakes about what a provider is spared while its breaker is open, and what is shown meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.engine.little_calls import Breaker, LittleCalls
from tests.engine.little_parts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import Asked
    from tests.engine.little_calls import Outcome
    from tests.engine.little_parts import Entry, Flight, Instance
    from tests.engine.virtual_tasks import Task


class OneSlipsThrough(LittleCalls):
    """The first call after it opened is still made."""

    kills = "P05"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        slipped = -1

        def admit(self, now: int) -> tuple[int, int] | None:
            if self.state == "open" and self.slipped != self.period:
                self.slipped = self.period
                return -1, 0
            return super().admit(now)


class FourTrials(LittleCalls):
    """Half-open admits one more than it may."""

    kills = "P05"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def may_try(self) -> bool:
            return len(self.admitted) <= self.trials


class TrialsPerInstance(LittleCalls):
    """Each instance counts the trials that it made itself."""

    kills = "P05"

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        self.trying = instance.number
        yield from super().lead(instance, name, flight, token)

    trying = 0

    def shared(self, provider: str) -> Breaker:
        breaker = super().shared(provider)
        breaker.trials = self.rules[3] * (1 + self.trying) if breaker.state == "half-open" else self.rules[3]
        return breaker


class LostTrialBlocks(LittleCalls):
    """A trial that brought nothing countable keeps its place, and no other is made."""

    kills = "P05"

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def settle(self, now: int) -> None:
            """Wait for it."""

        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            if outcome != "uncounted":
                super().tried(place, outcome, now)

        def may_try(self) -> bool:
            return not self.pending


class PollsIgnoreIt(LittleCalls):
    """Only reads ask the breaker."""

    kills = "P05"

    def poll(self, instance: Instance, name: str) -> Task:
        if self.shared(name).state == "open":
            self.call(instance.number, name)
        yield from super().poll(instance, name)


class ProbesIgnoreIt(LittleCalls):
    """Probes are sent whatever the breaker says."""

    kills = "P05"

    def look_after(self, instance: Instance, name: str) -> Task:
        self.ask_for_images(instance, name)
        yield from ()


class ProbesCount(LittleCalls):
    """A probe that fails is counted as a call."""

    kills = "P05"

    def ask_for_images(self, instance: Instance, name: str) -> Any:  # noqa: ANN401 - what it met
        met = super().ask_for_images(instance, name)
        breaker = self.shared(name)
        if breaker.state == "closed":
            breaker.finish((breaker.period, 0), "succeeded" if met.status == 200 else "failed", self.now)
        return met


class KnownOffersHidden(LittleCalls):
    """Whoever is not called is not shown."""

    kills = "P05"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        part = super().stand_in(instance, name, code, tiers)
        return Part(None, code, tiers) if code == "breaker-open" else part


class NoBreakerOpen(LittleCalls):
    """That the breaker is open is not told: the provider is called unavailable."""

    kills = "P05"

    def why(self, flight: Flight) -> str:
        return "timeout" if flight.timed_out else "unavailable"


class LeftOutSilently(LittleCalls):
    """Of a provider that was not called nothing is said."""

    kills = "P05"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        super().reply(
            asked, {n: replace(p, warning="") if p.warning == "breaker-open" else p for n, p in parts.items()}
        )


class StaleUnmarked(LittleCalls):
    """Last known offers are shown without a word while nobody can know better."""

    kills = "P05"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        part = super().stand_in(instance, name, code, tiers)
        return replace(part, warning="") if part.entry and code == "breaker-open" else part


class ForgottenWhenItOpens(LittleCalls):
    """Only what is fresh is remembered, so there is nothing to show while it is open."""

    kills = "P05"

    def last_known(self, entries: list[Entry | None]) -> Entry | None:
        return super().last_known([entry for entry in entries if self.is_fresh(entry)])


class RefusedIsAnError(LittleCalls):
    """Whoever asks for a provider that is left alone is answered an error."""

    kills = "P05"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        if any(part.warning == "breaker-open" for part in parts.values()):
            self.say(asked, 500, {})
            return
        super().reply(asked, parts)


MUTANTS: list[Any] = [
    OneSlipsThrough,
    FourTrials,
    TrialsPerInstance,
    LostTrialBlocks,
    PollsIgnoreIt,
    ProbesIgnoreIt,
    ProbesCount,
    KnownOffersHidden,
    NoBreakerOpen,
    LeftOutSilently,
    StaleUnmarked,
    ForgottenWhenItOpens,
    RefusedIsAnError,
]
