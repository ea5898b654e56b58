"""How something was over time, as far as spans tell: a change happened at some moment between its ends."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Value = TypeVar("Value")


@dataclass(frozen=True)
class Change(Generic[Value]):
    """From some moment between these it was so."""

    value: Value
    began_ms: float
    done_ms: float


@dataclass(frozen=True)
class Spells(Generic[Value]):
    """Values one after the other; the first held from ever on."""

    changes: Sequence[Change[Value]]
    slack_ms: int = 0

    @classmethod
    def of(cls, first: Value, changes: Sequence[Change[Value]], slack_ms: int) -> Spells[Value]:
        """With what was so before the first change."""
        return cls((Change(first, -inf, -inf), *changes), slack_ms)

    def perhaps(self, from_ms: float, to_ms: float) -> Iterator[tuple[Value, float, float]]:
        """Each value that may have held at some moment between these, and between which moments of them."""
        for place, change in enumerate(self.changes):
            last_ms = self.changes[place + 1].done_ms if place + 1 < len(self.changes) else inf
            first_ms, until_ms = max(from_ms, change.began_ms - self.slack_ms), min(to_ms, last_ms + self.slack_ms)
            if first_ms <= until_ms:
                yield change.value, first_ms, until_ms

    def surely(self, holds: Callable[[Value], bool], from_ms: float, to_ms: float) -> bool:
        """Whether it surely was so all the time between these, both included."""
        return all(holds(value) for value, _, _ in self.perhaps(from_ms, to_ms))

    def ever(self, holds: Callable[[Value], bool], from_ms: float, to_ms: float) -> bool:
        """Whether it may have been so at some moment between these."""
        return any(holds(value) for value, _, _ in self.perhaps(from_ms, to_ms))
