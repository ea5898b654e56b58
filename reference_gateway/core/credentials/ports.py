"""What the credentials' core needs of Vault, and what everybody else needs of the credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reference_gateway.core.cache.entry import HOUSE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.core.credentials.secret import Secret

    Credential = Mapping[str, Secret]
    """By the adapter's own field names (`api_key`, or `client_id` and `client_secret`)."""


class VaultAway(Exception):  # noqa: N818 - it is a state of the world
    """Vault gave no answer in time, is sealed, or does not let us in; what it last said counts on."""


class VaultDenied(VaultAway):
    """Vault answers, and does not let us have this: a policy's fault, which says nothing about other paths."""


class NoCredential(Exception):  # noqa: N818 - it is a state of the world
    """There is no credential for a key, or none that may still be used: its provider gets no call."""


class Vault(Protocol):
    """The secrets under the gateway's mount, by their paths; each method raises `VaultAway`."""

    async def read(self, path: str) -> Credential | None:
        """Read the newest version of a path such as `providers/lambda`; None where there is none."""

    async def names(self, folder: str) -> Sequence[str]:
        """Name what lies right under a folder such as `users/ann/providers`; nothing where there is no such folder."""

    async def write(self, path: str, credential: Credential) -> None:
        """Write a new version."""

    async def delete(self, path: str) -> bool:
        """Delete every version; say whether there was one."""


@dataclass(frozen=True, slots=True)
class Owner:
    """With whose credential somebody reads a provider."""

    name: str = HOUSE
    """`house`, or `user:{sub}`: the first part of the key (`core.cache.entry.key_of`)."""
    unsure: bool = False
    """Vault has never answered for this user: he reads with the house's, and is warned (`no-credential`)."""


class Credentials(Protocol):
    """What the rest of the gateway asks; times are ms of the monotonic clock."""

    async def of(self, key: str) -> Credential:
        """Return the credential of a key's owner for its provider; raises `NoCredential`."""

    async def refresh(self, key: str, refused: Credential) -> bool:
        """Read it anew, for its provider refused this one; say whether it is another one now."""

    def is_plain(self, user: str) -> bool:
        """Whether it is known, at once, that a user has no credential of his own: he sees what the house sees."""

    def known_owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner] | None:
        """Say at once with whose credential a user (his `sub`) reads each; None where Vault must be asked first."""

    async def owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner]:
        """Say with whose credential a user reads each provider; waits for Vault a bounded time, and never fails."""

    async def entrust(self, user: str, provider: str, credential: Credential) -> None:
        """Keep a user's own credential in Vault; he reads with it from now on. Raises `VaultAway`."""

    async def withdraw(self, user: str, provider: str) -> bool:
        """Delete it; say whether there was one. Raises `VaultAway`."""

    @property
    def away(self) -> bool:
        """Whether Vault is known not to answer."""

    async def own(self, user: str) -> Sequence[str]:
        """Name the providers for which a user has a credential of his own, as Vault says now. Raises `VaultAway`."""
