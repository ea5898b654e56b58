"""Providers that were never read before: each name of a lane's pool is lent once, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.errors import unable

if TYPE_CHECKING:
    from collections.abc import Sequence

ADAPTER = "lambda"
"""What all of them speak: its list is exactly one request, so a ledger counts calls."""


RESERVE = 50
"""More than one story takes: with fewer left, the pool is renewed before the next one begins."""


class ProviderPool:
    """The names of one lane."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._lent = 0
        self._read = False

    def take(self, count: int) -> tuple[str, ...]:
        """Lend names that nobody had; a cache that once knew one of them would spoil the story that gets it again."""
        taken = self.names[self._lent : self._lent + count]
        if len(taken) < count:
            raise unable(
                "providers-exhausted",
                f"{count} fresh providers are asked for, and {len(taken)} of the lane's {len(self.names)} are left",
                tried="each provider is read by one story alone, and the pool is renewed between stories only",
                hint="raise the chapter's Needs.providers",
            )
        self._lent += count
        return taken

    def all_were_read(self) -> None:
        """Take note that a story read every provider of the gateway, those too that nobody was lent."""
        self._read = True

    @property
    def runs_low(self) -> bool:
        """Whether the next story might ask for more than is left."""
        return self._read or len(self.names) - self._lent < min(RESERVE, len(self.names) // 2)

    def refill(self, names: Sequence[str]) -> None:
        """Have these instead, all of them new."""
        self.names, self._lent, self._read = tuple(names), 0, False
