"""Mistakes about how long is waited, and what is answered then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Instance, Part
from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import Asked
    from tests.engine.virtual_tasks import Task


class NoDeadline(LittleReads):
    """A request waits as long as its slowest call takes to answer or to time out."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        return super().gather(instance, names, parts, last_ms + 10 * self.deadline)


class DeadlinePerProvider(LittleReads):
    """Each provider that is late is given a deadline of its own."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        for place, name in enumerate(names):
            yield from super().gather(instance, [name], parts, last_ms + place * self.deadline)


class PartialAnswersThrownAway(LittleReads):
    """One provider that is late makes the whole answer a time-out."""

    kills = "P20"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        if any(part.warning == "timeout" for part in parts.values()):
            parts = {name: Part(None, "timeout") for name in parts}
        super().reply(asked, parts)


class LastKnownForgotten(LittleReads):
    """A provider that is late is left out, though its last offers are known."""

    kills = "P20"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        return Part(None, code, tiers) if code == "timeout" else super().stand_in(instance, name, code, tiers)


class NeverATimeOut(LittleReads):
    """503 is said for whatever went wrong, also where a provider was still pending."""

    kills = "P20"

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        super().say(asked, 503 if status == 504 else status, body, **{"retry_after": "1", **fields})


class ImpatientWithTheSlow(LittleReads):
    """Whoever does not answer at once is left out at once."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        return super().gather(instance, names, parts, last_ms - self.deadline + 100)


class AlsoWaitsForTheLate(LittleReads):
    """The deadline runs from when the first provider has answered."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        for name in names:
            self.tasks.start(instance, self.read(instance, name, parts))
        yield (lambda: bool(parts)), last_ms
        yield (lambda: len(parts) == len(names)), self.now + self.deadline


class OneMsLate(LittleReads):
    """It gives up a ms after the deadline."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        return super().gather(instance, names, parts, last_ms + 1)


class FirstAnswerEnds(LittleReads):
    """Whoever has answered first is shown, the others are left out."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        for name in names:
            self.tasks.start(instance, self.read(instance, name, parts))
        yield (lambda: any(part.entry for part in parts.values()) or len(parts) == len(names)), last_ms


class LeftOutSilently(LittleReads):
    """Who is late is left out without a word where others have answered."""

    kills = "P20"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        super().reply(asked, {n: p for n, p in parts.items() if p.entry or p.warning != "timeout"} or parts)


class LateStandsInAsFresh(LittleReads):
    """The last known of who is late is shown unmarked."""

    kills = "P20"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        part = super().stand_in(instance, name, code, tiers)
        return replace(part, warning="") if part.entry and code == "timeout" else part


class SevenTenths(LittleReads):
    """It waits for seven tenths of the deadline."""

    kills = "P20"

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        return super().gather(instance, names, parts, last_ms - 3 * self.deadline // 10)


class LeaderGetsTheOld(LittleReads):
    """Whoever leads a refresh gets the stale entry as well, and nobody waits."""

    kills = "P20"

    def read(self, instance: Instance, name: str, parts: dict[str, Part]) -> Task:
        entry, tiers = yield from self.look(instance, name)
        if entry and not self.is_fresh(entry) and self.good_enough(entry):
            self.refresh(instance, name)
            parts[name] = Part(entry, "stale", tiers)
            return
        yield from super().read(instance, name, parts)


MUTANTS: list[Any] = [
    NoDeadline,
    DeadlinePerProvider,
    PartialAnswersThrownAway,
    LastKnownForgotten,
    NeverATimeOut,
    ImpatientWithTheSlow,
    AlsoWaitsForTheLate,
    OneMsLate,
    FirstAnswerEnds,
    LeftOutSilently,
    LateStandsInAsFresh,
    SevenTenths,
    LeaderGetsTheOld,
]
