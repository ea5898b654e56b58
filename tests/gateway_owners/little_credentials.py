"""The port `Credentials` in memory: who has what is said by the test, and so is how Vault is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.cache.entry import HOUSE, split_key
from reference_gateway.core.credentials.manager import owner_of
from reference_gateway.core.credentials.ports import NoCredential, Owner, VaultAway
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.credentials.ports import Credential


class LittleCredentials:
    """Nobody has any of his own, until he is given one; `asked` counts what had to be waited for."""

    def __init__(self) -> None:
        self.away = False
        self.known: dict[str, set[str]] = {}
        """What this instance was told of each user."""
        self.in_vault: dict[tuple[str, str], Credential] = {}
        self.asked = 0

    def give(self, user: str, *providers: str) -> None:
        """Put credentials into Vault behind everybody's back; who is known already is known anew."""
        for provider in providers:
            self.in_vault[user, provider] = {"api_key": Secret(f"{user}'s of {provider}")}
        if user in self.known:
            self._look_up(user)

    async def of(self, key: str) -> Credential:
        owner, provider = split_key(key)
        if owner == HOUSE:
            return {"api_key": Secret(f"the house's of {provider}")}
        credential = self.in_vault.get((owner.removeprefix("user:"), provider))
        if credential is None:
            raise NoCredential
        return credential

    async def refresh(self, key: str, refused: Credential) -> bool:
        return await self.of(key) != refused

    def is_plain(self, user: str) -> bool:
        return self.known.get(user) == set()

    def known_owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner] | None:
        own = self.known.get(user)
        return None if own is None else [Owner(owner_of(user)) if name in own else Owner() for name in providers]

    async def owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner]:
        self.asked += 1
        if user not in self.known:
            if self.away:
                return [Owner(unsure=True)] * len(providers)
            self._look_up(user)
        return self.known_owners(user, providers) or ()

    async def entrust(self, user: str, provider: str, credential: Credential) -> None:
        if self.away:
            raise VaultAway
        self.in_vault[user, provider] = credential
        self._look_up(user)

    async def withdraw(self, user: str, provider: str) -> bool:
        if self.away:
            raise VaultAway
        had = self.in_vault.pop((user, provider), None) is not None
        self._look_up(user)
        return had

    async def own(self, user: str) -> Sequence[str]:
        return sorted(provider for owner, provider in self.in_vault if owner == user)

    def _look_up(self, user: str) -> None:
        self.known[user] = {provider for owner, provider in self.in_vault if owner == user}
