"""How each endpoint of a provider answers: set word by word, and always whole."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.read_ports import CallKind, Failing


@dataclass(frozen=True)
class Mood:
    """How requests of one kind are answered at one endpoint."""

    latency_ms: int = 0
    failing: Failing = ""
    retry_after: str = ""


WELL = Mood()


class Moods:
    """One provider's, by endpoint and kind of request; what was never set is well."""

    def __init__(self, endpoints: int = 1) -> None:
        self._endpoints = endpoints
        self._moods: defaultdict[tuple[int, CallKind], Mood] = defaultdict(Mood)

    def set_all(self, mood: Mood) -> None:
        """Let every endpoint's list answer so, and its probes be well."""
        self._moods.clear()
        for place in range(self._endpoints):
            self._moods[place, "list"] = mood

    def set(self, place: int, kind: CallKind, mood: Mood) -> None:
        """Let one endpoint answer requests of one kind so."""
        self._moods[place, kind] = mood

    def of(self, place: int, kind: CallKind) -> Mood:
        """How one endpoint answers requests of one kind."""
        return self._moods[place, kind]

    def all(self) -> Iterator[tuple[int, CallKind, Mood]]:
        """Every mood that is not well."""
        return ((place, kind, mood) for (place, kind), mood in self._moods.items() if mood != WELL)
