"""Mistakes about how long is waited, and what is answered then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_reads import Instance, LittleReads, Part

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


MUTANTS = [
    NoDeadline,
    DeadlinePerProvider,
    PartialAnswersThrownAway,
    LastKnownForgotten,
    NeverATimeOut,
    ImpatientWithTheSlow,
]
