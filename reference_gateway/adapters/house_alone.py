"""Nobody has a credential of his own, until Vault says who has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.credentials.ports import NoCredential, Owner, VaultAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.credentials.ports import Credential


class HouseAlone:
    """The port `Credentials` without a Vault."""

    async def of(self, key: str) -> Credential:
        """As the port."""
        raise NoCredential(key)

    async def refresh(self, key: str) -> bool:  # noqa: ARG002 - there is no other
        """As the port."""
        return False

    def known_owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner] | None:  # noqa: ARG002 - as above
        """As the port."""
        return [Owner()] * len(providers)

    async def owners(self, user: str, providers: Sequence[str]) -> Sequence[Owner]:  # noqa: ARG002 - as above
        """As the port."""
        return [Owner()] * len(providers)

    async def entrust(self, user: str, provider: str, credential: Credential) -> None:  # noqa: ARG002 - as above
        """As the port."""
        raise VaultAway

    async def withdraw(self, user: str, provider: str) -> bool:  # noqa: ARG002 - as above
        """As the port."""
        raise VaultAway

    async def own(self, user: str) -> Sequence[str]:  # noqa: ARG002 - as above
        """As the port."""
        raise VaultAway
