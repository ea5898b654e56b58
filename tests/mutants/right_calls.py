"""Right gateways whose breakers do otherwise than the little one's: what the contract leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_calls import Breaker, LittleCalls, provider_of
from tests.engine.little_parts import Part
from tests.engine.virtual_tasks import until

if TYPE_CHECKING:
    from gatespec.read_ports import Upstream
    from tests.engine.little_calls import Outcome
    from tests.engine.little_parts import Instance
    from tests.engine.virtual_tasks import Task

BOTH = ("P04", "P05")
NOBODY = frozenset({401, 403})
TOO_MANY = 429


class CountsTooMany(LittleCalls):
    """A 429 counts as a failure while closed, and as a failed trial."""

    lives = BOTH

    def outcome_of(self, status: int | None) -> Outcome:
        return "failed" if status == TOO_MANY else super().outcome_of(status)


class NobodyIsAnAnswer(LittleCalls):
    """A 401 is a call that did not fail: it takes its place in the window."""

    lives = BOTH

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def count(self, outcome: Outcome, now: int) -> None:
            super().count("succeeded" if outcome == "uncounted" else outcome, now)


class TriesOneAtATime(LittleCalls):
    """The next trial begins when the one before has succeeded."""

    lives = BOTH

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def may_try(self) -> bool:
            return not self.pending and super().may_try()


class WaitsForLostTrials(LittleCalls):
    """A trial without a countable result fails when its time is up, not before."""

    lives = BOTH

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        def tried(self, place: int, outcome: Outcome, now: int) -> None:
            if outcome != "uncounted":
                super().tried(place, outcome, now)


class AsksTheBreakerFirst(LittleCalls):
    """While it is open nobody looks for a leader: what is known is shown at once."""

    lives = BOTH

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        breaker = yield from self.breaker(instance, provider_of(name))
        breaker.settle(self.now)
        if breaker.state != "open" or self.now >= breaker.since + breaker.open_ms:
            yield from super().read(instance, name, parts)
            return
        entry, tiers = yield from self.look(instance, name)
        fresh = self.is_fresh(entry)
        parts[name] = Part(entry, "", tiers) if fresh else self.stand_in(instance, name, "breaker-open", tiers)


class RenewsAndAsksAgain(LittleCalls):
    """After a 401 or 403 the credential is renewed, and the same call asks once more."""

    lives = BOTH

    def call(self, instance: int, name: str) -> Upstream:
        met = super().call(instance, name)
        return super().call(instance, name) if met.status in NOBODY and met.after_ms == 0 else met


class OpensByTheMade(LittleCalls):
    """The least number is that of the calls that were made, be some of them under way."""

    lives = BOTH

    class breaker_kind(Breaker):  # noqa: N801 - stands for an attribute
        under_way = 0

        def admit(self, now: int) -> tuple[int, int] | None:
            admission = super().admit(now)
            self.under_way += admission is not None
            return admission

        def finish(self, admission: tuple[int, int], outcome: Outcome, now: int) -> None:
            if admission[0] == self.period:
                self.under_way -= 1
            super().finish(admission, outcome, now)

        def becomes(self, state: Any, now: int) -> None:  # noqa: ANN401 - a word
            super().becomes(state, now)
            self.under_way = 0

        def is_full(self) -> bool:
            return len(self.results) + self.under_way >= self.window and sum(self.results) >= self.failures


class ProbesOnceMoreAtItsEnd(LittleCalls):
    """When the open time is over it is probed again, though no call has come."""

    lives = BOTH

    def look_after(self, instance: Instance, name: str) -> Task:
        breaker = yield from self.breaker(instance, name)
        breaker.settle(self.now)
        if breaker.state != "open" or self.now >= breaker.since + breaker.open_ms:
            self.ask_for_images(instance, name)


class EachInstanceProbes(LittleCalls):
    """Every instance looks after every provider, and polls in its own turn."""

    lives = BOTH

    def rounds(self, instance: Instance, name: str, what: str, every_ms: int) -> Task:
        while True:
            yield until(self.now + every_ms + instance.number)
            yield from self.poll(instance, name) if what == "poll" else self.look_after(instance, name)


RIGHT: list[Any] = [
    CountsTooMany,
    NobodyIsAnAnswer,
    TriesOneAtATime,
    WaitsForLostTrials,
    AsksTheBreakerFirst,
    RenewsAndAsksAgain,
    OpensByTheMade,
    ProbesOnceMoreAtItsEnd,
    EachInstanceProbes,
]
