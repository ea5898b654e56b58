"""With whose credential a reader reads: his own where he has one, the house's for all else and everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reference_gateway.core.credentials.ports import Owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.credentials.ports import Credentials

HOUSES: Final = Owner()
"""The house, looked up and known."""


class Owners:
    """Asks the credentials who owns what a reader is shown; a reader without user (None) never makes it ask."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def share(self, user: str | None, providers: Sequence[str]) -> bool:
        """Say at once whether the reader is surely shown the house's lists of all these providers."""
        if user is None:
            return True
        known = self._credentials.known_owners(user, providers)
        return known is not None and all(each == HOUSES for each in known)

    async def of(self, user: str | None, providers: Sequence[str]) -> Sequence[Owner]:
        """Say with whose credential each is read; waits for Vault a bounded time, where that is not known."""
        if user is None:
            return (HOUSES,) * len(providers)
        known = self._credentials.known_owners(user, providers)
        return await self._credentials.owners(user, providers) if known is None else known
