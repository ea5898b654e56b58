"""What Vault could have told a gateway by some moment: which credentials it may use, and which it surely has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from gatespec.checkers.calls import allowance_ms
from gatespec.checkers.spells import Change, Spells
from gatespec.read_ports import HOUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.history import Example

FIRST = "house:0"
"""What Vault holds of every provider from the beginning."""
WELL = "well"
FOUND_BACK_MS = 5_000
"""How long a gateway may take to find Vault again, as it may with Redis: the contract names no bound."""


@dataclass(frozen=True)
class VaultTimes:
    """How long a word of Vault's counts, in ms."""

    refresh_ms: int
    keep_ms: int

    @classmethod
    def of(cls, example: Example) -> VaultTimes:
        """As the gateway has them."""
        settings = example.context.settings
        names = ("CREDENTIAL_REFRESH", "CREDENTIAL_CACHE")
        return cls(*(int(Decimal(settings[f"GATEWAY_{name}_S"]) * 1000) for name in names))


class VaultRecord:
    """Vault through a story: whether it answered, and what it held."""

    def __init__(self, example: Example) -> None:
        self.slack_ms = allowance_ms(example)
        self.times = VaultTimes.of(example)
        self._told = [done for done in example.disturbances if done.what == "credential"]
        states = [d for d in example.disturbances if d.what == "vault" and not d.whom]
        changes = [Change(d.how, d.began_ms, d.done_ms) for d in states]
        self.states = Spells.of(WELL, changes, self.slack_ms)

    def held(self, provider: str, owner: str) -> Spells[str | None]:
        """The mark of what lay there, over time; None for nothing."""
        first = FIRST if owner == HOUSE else None
        return Spells.of(first, list(self._changes(provider, owner)), self.slack_ms)

    def _changes(self, provider: str, owner: str) -> Iterator[Change[str | None]]:
        for done in self._told:
            what, _, how = done.how.rpartition(" ")
            if done.whom != provider or how == "refused":
                continue
            if how == "put" and what.rpartition(":")[0] == owner:
                yield Change(what, done.began_ms, done.done_ms)
            if how == "gone" and what == owner:
                yield Change(None, done.began_ms, done.done_ms)

    def refused_from_ms(self, provider: str, mark: str) -> float | None:
        """From when the provider accepted a credential no more; None: it still does."""
        told = (d.began_ms for d in self._told if d.whom == provider and d.how == f"{mark} refused")
        return next(told, None)

    def was_well(self, from_ms: float, to_ms: float) -> bool:
        """Whether Vault surely answered all the time between these."""
        return self.states.surely(lambda state: state == WELL, from_ms, to_ms)

    def was_away(self, from_ms: float, to_ms: float) -> bool:
        """Whether it surely never answered between these."""
        return self.states.surely(lambda state: state != WELL, from_ms, to_ms)

    def reach_ms(self, moment_ms: float) -> float:
        """How far back a word may lie that is used at this moment: one refresh, where Vault is not known to be away."""
        refresh_ms = moment_ms - self.times.refresh_ms - self.slack_ms
        if self.was_well(refresh_ms - FOUND_BACK_MS, moment_ms):
            return refresh_ms
        return moment_ms - self.times.keep_ms - self.slack_ms

    def permitted(self, provider: str, owner: str, from_ms: float, to_ms: float) -> set[str | None]:
        """Which words may be gone by at some moment between these: marks, and None for the word that there is none."""
        lo_ms = self.reach_ms(from_ms)
        answered = [(a, b) for state, a, b in self.states.perhaps(lo_ms, to_ms) if state == WELL]
        words = self.held(provider, owner).perhaps(lo_ms, to_ms)
        return {mark for mark, first, last in words if any(max(first, a) <= min(last, b) for a, b in answered)}
