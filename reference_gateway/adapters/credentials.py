"""Where provider credentials come from, and the type that keeps them out of every text."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NoReturn, Protocol

DEVELOPMENT_KEY = "development-key-not-a-secret"
DEVELOPMENT_CLIENT_ID = "development-client"
DEVELOPMENT_CLIENT_SECRET = "development-secret-not-a-secret"  # noqa: S105 - as it says
"""Accepted by the simulators and by nobody else."""


class Secret:
    """A text that no `repr`, `str`, format, pickle or copy gives away; `reveal` does, and is easy to search for."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: only where it leaves for its provider."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, how: str) -> str:
        return format(repr(self), how)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


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
