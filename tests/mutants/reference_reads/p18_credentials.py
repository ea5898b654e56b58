"""Mistakes of the reference's own manager of credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.core.credentials.manager import HOUSES, VaultCredentialManager
from reference_gateway.core.credentials.ports import NoCredential
from reference_gateway.core.credentials.said import Said
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.credentials.ports import Credential, Owner
    from reference_gateway.core.credentials.said import Word


class FromTheEnvironment(VaultCredentialManager):
    """What Vault does not hold is taken from elsewhere."""

    kills = "P18"

    async def of(self, key: str) -> Credential:
        try:
            return await super().of(key)
        except NoCredential:
            return {"api_key": Secret("from-the-environment")}


class NoFallback(VaultCredentialManager):
    """While Vault is away there is no credential."""

    kills = "P18"

    async def of(self, key: str) -> Credential:
        if self.away:
            raise NoCredential("vault is away")
        return await super().of(key)


class HouseThoughHisOwn(VaultCredentialManager):
    """Everybody reads with the house's."""

    kills = "P18"

    async def owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner]:
        await super().owners(user, providers)
        return [HOUSES] * len(providers)


class RefusalIsTheEnd(VaultCredentialManager):
    """A refused credential is not read anew."""

    kills = "P18"

    async def refresh(self, key: str, refused: Credential) -> bool:
        del key, refused
        return False


class HouseAfterAnHour(VaultCredentialManager):
    """For want of a newer word whoever had a credential of his own is served with the house's."""

    kills = "P18"

    async def owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner]:
        word = await self._folders.last(f"users/{user}/providers")
        return await super().owners(user, providers) if word else [HOUSES] * len(providers)


class FallbackWithoutEnd(Said[Any]):
    """What Vault last said counts for as long as it is away."""

    kills = "P18"

    def counts(self, word: Word[Any]) -> bool:
        del word
        return True


class RotationIgnored(Said[Any]):
    """What was read once is read no more."""

    kills = "P18"

    def at_once(self, path: str) -> Word[Any] | None:
        return self._words.get(path) or super().at_once(path)


MUTANTS: list[Any] = [
    FromTheEnvironment,
    NoFallback,
    HouseThoughHisOwn,
    RefusalIsTheEnd,
    HouseAfterAnHour,
    FallbackWithoutEnd,
    RotationIgnored,
]
