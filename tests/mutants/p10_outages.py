"""Mistakes about what is said when every provider fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.engine.little_parts import Entry, Flight, Instance, Part
from tests.engine.little_reads import LittleReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import Asked
    from tests.engine.virtual_tasks import Task


FOR_EVER_MS = 10**12


class ServerError(LittleReads):
    """What the providers' failures raised ends the request."""

    kills = "P10"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        if any(part.warning for part in parts.values()):
            self.say(asked, 500, {})
        else:
            super().reply(asked, parts)


class StaleShownAsFresh(LittleReads):
    """The last known offers stand in for fresh ones without a word."""

    kills = "P10"

    def stand_in(self, *given: Any) -> Part:  # noqa: ANN401 - the right one's own
        part = super().stand_in(*given)
        return Part(part.entry, "" if part.entry else part.warning, part.tiers)


class NoWarning(LittleReads):
    """Whoever is left out is left out silently."""

    kills = "P10"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        known = any(part.entry for part in parts.values())
        said = {name: Part(part.entry, part.warning if part.entry or not known else "") for name, part in parts.items()}
        super().reply(asked, said)


class EmptyList(LittleReads):
    """That nothing is known is told as a list of nothing."""

    kills = "P10"

    def nothing_known(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        warnings = [self.warning(name, part) for name, part in parts.items()]
        self.say(asked, 200, {"items": [], "warnings": warnings})


class ForEver(LittleReads):
    """What was known once is shown whatever its age."""

    kills = "P10"

    def last_known(self, entries: list[Entry | None]) -> Entry | None:
        self.stale = FOR_EVER_MS
        return super().last_known(entries)


class AlwaysYoung(LittleReads):
    """The age beside a stale offer is that of the answer."""

    kills = "P10"

    def warning(self, name: str, part: Part) -> dict[str, Any]:
        return {**super().warning(name, part), "as_of": self.moment(self.now) if part.entry else None}


class NoRetryAfter(LittleReads):
    """A 503 does not say when to come back."""

    kills = "P10"

    def say(self, asked: Asked, status: int, body: Any, **fields: str) -> None:  # noqa: ANN401 - JSON
        super().say(asked, status, body, **{**fields, "retry_after": ""})


class LastKnownForgottenAtFailure(LittleReads):
    """A failure takes what was known with it."""

    kills = "P10"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        part = super().stand_in(instance, name, code, tiers)
        instance.l2.pop(name, None)
        self.l1.pop(name, None)
        return part


class LastKnownOfThisInstance(LittleReads):
    """Only what this instance has in its own memory stands in."""

    kills = "P10"

    def look(self, instance: Instance, name: str) -> Task:
        kept = instance.l2.get(name)
        found, tiers = yield from super().look(instance, name)
        if not self.is_fresh(found):
            if kept is None:
                instance.l2.pop(name, None)
            return kept, tiers
        return found, tiers

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        known = self.last_known([instance.l2.get(name)])
        return Part(known, "stale" if known else code, tiers)


class AgeResetAtFailure(LittleReads):
    """A failure dates the last known offers anew."""

    kills = "P10"

    def lead(self, instance: Instance, name: str, flight: Flight, token: object) -> Task:
        yield from super().lead(instance, name, flight, token)
        known = self.l1.get(name)
        if flight.entry is None and known:
            self.l1[name] = instance.l2[name] = replace(known, fetched_ms=self.now - self.ttl)


class WarnsOfUnavailable(LittleReads):
    """Last known offers are shown with the code of what failed."""

    kills = "P10"

    def stand_in(self, instance: Instance, name: str, code: str, tiers: tuple[str, ...]) -> Part:
        part = super().stand_in(instance, name, code, tiers)
        return replace(part, warning=code)


class NoAge(LittleReads):
    """The warning does not say how old."""

    kills = "P10"

    def warning(self, name: str, part: Part) -> dict[str, Any]:
        return {**super().warning(name, part), "as_of": None}


class AgeOfTheFirst(LittleReads):
    """All warnings of an answer have the first's age."""

    kills = "P10"
    first: Any = None

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        known = [part.entry.fetched_ms for part in parts.values() if part.entry and part.warning]
        self.first = max(known, default=None)
        super().reply(asked, parts)

    def warning(self, name: str, part: Part) -> dict[str, Any]:
        return {**super().warning(name, part), "as_of": self.moment(self.first) if self.first else None}


class WarnsOfAnother(LittleReads):
    """Where one of several is stale the warning names the first."""

    kills = "P10"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        self.named = next(iter(parts))
        super().reply(asked, parts)

    def warning(self, name: str, part: Part) -> dict[str, Any]:
        return {**super().warning(name, part), "provider": self.named}


class AllMarkedStale(LittleReads):
    """One failing provider marks the whole answer."""

    kills = "P10"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        if any(part.warning for part in parts.values()):
            parts = {n: replace(p, warning="stale" if p.entry else p.warning) for n, p in parts.items()}
        super().reply(asked, parts)


class OneFailureEmpties(LittleReads):
    """One failing provider takes the others' offers with it."""

    kills = "P10"

    def reply(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        if any(part.warning == "unavailable" for part in parts.values()):
            parts = {n: Part(None, p.warning or "unavailable") for n, p in parts.items()}
        super().reply(asked, parts)


class LastDecides(LittleReads):
    """The last provider alone decides between 503 and 504."""

    kills = "P10"

    def nothing_known(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        super().nothing_known(asked, dict(list(parts.items())[-1:]))


class AllMustTimeOut(LittleReads):
    """504 is said only where every provider timed out."""

    kills = "P10"

    def nothing_known(self, asked: Asked, parts: Mapping[str, Part]) -> None:
        late = all(part.warning == "timeout" for part in parts.values())
        self.say(asked, 504 if late else 503, {}, retry_after="" if late else "1")


class FallbackATtlTooLong(LittleReads):
    """The fallback lasts a TTL longer than it may."""

    kills = "P10"

    def last_known(self, entries: list[Entry | None]) -> Entry | None:
        known = [e for e in entries if e and self.now < e.fetched_ms + self.stale + self.ttl]
        return max(known, key=lambda e: e.fetched_ms, default=None)


MUTANTS: list[Any] = [
    ServerError,
    StaleShownAsFresh,
    NoWarning,
    EmptyList,
    ForEver,
    AlwaysYoung,
    NoRetryAfter,
    LastKnownForgottenAtFailure,
    LastKnownOfThisInstance,
    AgeResetAtFailure,
    WarnsOfUnavailable,
    NoAge,
    AgeOfTheFirst,
    WarnsOfAnother,
    AllMarkedStale,
    OneFailureEmpties,
    LastDecides,
    AllMustTimeOut,
    FallbackATtlTooLong,
]
