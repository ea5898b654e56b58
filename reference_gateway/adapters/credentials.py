"""Where provider credentials come from, and the type that keeps them out of every text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reference_gateway.core.credentials.secret import Secret

DEVELOPMENT_KEY = "development-key-not-a-secret"
DEVELOPMENT_CLIENT_ID = "development-client"
DEVELOPMENT_CLIENT_SECRET = "development-secret-not-a-secret"  # noqa: S105 - as it says
"""Accepted by the simulators and by nobody else."""


Credential = Mapping[str, Secret]
"""A provider's credential by the adapter's own field names (`api_key`, or `client_id` and `client_secret`)."""


class CredentialSource(Protocol):
    """Where an instance reads the credential of a provider."""

    async def credential_of(self, provider: str) -> Credential:
        """The house's credential for `provider`."""

    async def refresh(self, provider: str) -> bool:
        """Read it anew, for the provider refused it; say whether it is another one now."""


class DevelopmentCredentials:
    """One fixed credential for every provider, for simulators; until the vault comes."""

    async def credential_of(self, provider: str) -> Credential:  # noqa: ARG002 - the same for all, which is the point
        """Under the field names of every adapter; each reads its own."""
        return {
            "api_key": Secret(DEVELOPMENT_KEY),
            "client_id": Secret(DEVELOPMENT_CLIENT_ID),
            "client_secret": Secret(DEVELOPMENT_CLIENT_SECRET),
        }

    async def refresh(self, provider: str) -> bool:  # noqa: ARG002 - as above
        """There is no other."""
        return False
