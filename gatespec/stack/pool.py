"""Providers that were never read before: each name of a lane's pool is lent once, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.errors import unable

if TYPE_CHECKING:
    from collections.abc import Sequence

ADAPTER = "lambda"
"""What all of them speak: its list is exactly one request, so a ledger counts calls."""


class ProviderPool:
    """The names of one lane."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._lent = 0

    def take(self, count: int) -> tuple[str, ...]:
        """Lend names that nobody had; a cache that once knew one of them would spoil the story that gets it again."""
        taken = self.names[self._lent : self._lent + count]
        if len(taken) < count:
            raise unable(
                "providers-exhausted",
                f"{count} fresh providers are asked for, and {len(taken)} of the lane's {len(self.names)} are left",
                tried="each provider is read by one story alone",
                hint="ask for fewer --examples, or raise the chapter's Needs.providers",
            )
        self._lent += count
        return taken
