"""Users' own credentials for providers: they go to Vault, and never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import orjson
from pydantic import StringConstraints

from reference_gateway.core.answers import Answer
from reference_gateway.core.credentials.manager import owner_of
from reference_gateway.core.credentials.ports import VaultAway
from reference_gateway.core.credentials.secret import Secret
from reference_gateway.core.problems import Problem
from reference_gateway.edge.json_bodies import NAME_MAX_CHARS, Strict, barred, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.core.cache.tiers import MultiTierCache
    from reference_gateway.core.credentials.ports import Credentials
    from reference_gateway.edge.requests import Request

VAULT_RETRY_S: Final = 1
SECRET_MAX_CHARS: Final = 4096
_AWAY = Problem("vault-unavailable", "Vault does not answer; nothing was changed", retry_after_s=VAULT_RETRY_S)
_ABSENT = Problem("not-found", "you have no credential of your own for a provider of this name")

Text = Annotated[str, StringConstraints(min_length=1, max_length=SECRET_MAX_CHARS, pattern=r"^[!-~]+$")]
"""What can stand in a header."""


class Integration(Strict):
    """A provider, and the user's own credential for it by the field names of its adapter."""

    provider: Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX_CHARS)]
    credential: dict[str, Text]


class Integrations:
    """The routes under /api/v2/providers/config/integrations."""

    def __init__(self, credentials: Credentials, cache: MultiTierCache, fields: Mapping[str, Sequence[str]]) -> None:
        """`fields` are what a credential must have, by the name of the provider."""
        self._credentials = credentials
        self._cache = cache
        self._fields = fields

    async def create(self, request: Request, body: bytes) -> Answer | Problem:
        """Keep a credential; another one for the same provider takes its place."""
        if (problem := barred(request)) is not None:
            return problem
        asked = parsed(Integration, request, body)
        if isinstance(asked, Problem):
            return asked
        if (problem := self._fault(asked)) is not None:
            return problem
        secrets = {name: Secret(text) for name, text in asked.credential.items()}
        try:
            await self._credentials.entrust(request.user, asked.provider, secrets)
        except VaultAway:
            return _AWAY
        await self._outdate(request.user, asked.provider)
        return _json(201, {"provider": asked.provider, "fields": sorted(secrets)})

    async def names(self, request: Request) -> Answer | Problem:
        """Name the providers for which the user has one."""
        if (problem := barred(request)) is not None:
            return problem
        try:
            own = await self._credentials.own(request.user)
        except VaultAway:
            return _AWAY
        return _json(200, {"items": [{"provider": name} for name in own]})

    async def delete(self, request: Request, provider: str) -> Answer | Problem:
        """Delete one."""
        if (problem := barred(request)) is not None:
            return problem
        try:
            there_was = await self._credentials.withdraw(request.user, provider)
        except VaultAway:
            return _AWAY
        if there_was:
            await self._outdate(request.user, provider)
        return Answer(204, (("cache-control", "no-store"),)) if there_was else _ABSENT

    async def _outdate(self, user: str, provider: str) -> None:
        """What was read with the credential before is not what he sees from now on."""
        await self._cache.invalidate(provider, owner=owner_of(user))

    def _fault(self, asked: Integration) -> Problem | None:
        """Find what the provider's adapter could not use; a name that may be a secret is not repeated."""
        needed = self._fields.get(asked.provider)
        if needed is None:
            return Problem("field-invalid", "provider: there is no such provider", "provider")
        expected = ", ".join(needed)
        if set(asked.credential) - set(needed):
            return Problem("field-unknown", f"credential: its fields are {expected}, and no others", "credential")
        missing = [name for name in needed if name not in asked.credential]
        if missing:
            return Problem("field-invalid", f"credential.{missing[0]}: it is required", f"credential.{missing[0]}")
        return None


def _json(status: int, document: dict[str, object]) -> Answer:
    fields = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Answer(status, fields, orjson.dumps(document))
