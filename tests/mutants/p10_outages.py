"""Mistakes about what is said when every provider fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.little_reads import Entry, LittleReads, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.read_ports import Asked


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


MUTANTS = [ServerError, StaleShownAsFresh, NoWarning, EmptyList, ForEver, AlwaysYoung, NoRetryAfter]
