"""Who asks: by a token, an API key, or an address. A credential that proves nothing is refused, never overlooked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.identity import anonymous, client_address
from reference_gateway.core.problems import Problem
from reference_gateway.edge import api_keys, tokens
from reference_gateway.edge.database import DatabaseAway
from reference_gateway.edge.tokens import CredentialRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.identity import Identity
    from reference_gateway.edge.api_keys import ApiKeys
    from reference_gateway.edge.auth.revocations import Revocations
    from reference_gateway.edge.requests import Request
    from reference_gateway.edge.settings import Network
    from reference_gateway.edge.tokens import AccessTokens

CHALLENGE = ("www-authenticate", 'Bearer realm="gateway"')
DATABASE_RETRY_S = 1
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing is bound to it: it names a peer that has no address
FORWARDED_MAX_BYTES = 2048
"""Read from the right, the end that our own proxies wrote."""


class Identities:
    """Proves who sent a request."""

    def __init__(
        self, tokens: AccessTokens, keys: ApiKeys, revocations: Revocations, trusted: Sequence[Network]
    ) -> None:
        self._tokens = tokens
        self._keys = keys
        self._revocations = revocations
        self._trusted = trusted

    async def identify(self, request: Request) -> tuple[Identity, Problem | None]:
        """Return who is limited, and the problem if the request must not pass: then it counts for its address."""
        headers = request.headers
        authorization, key = headers.get(b"authorization"), headers.get(b"x-api-key")
        if authorization is None and key is None:
            return self.address(request), None
        try:
            _check_single(request, authorization, key)
            return await self._proven(authorization, key), None
        except CredentialRefused as error:
            return self.address(request), error.problem
        except DatabaseAway:
            return self.address(request), _DATABASE_AWAY

    async def _proven(self, authorization: bytes | None, key: bytes | None) -> Identity:
        if authorization is None:
            identity = await self._keys.identify(key or b"")
            refused = api_keys.refusal
        else:
            identity = self._tokens.identify(authorization)
            refused = tokens.revoked
        if self._revocations.bars(identity):
            raise refused()
        return identity

    def address(self, request: Request) -> Identity:
        """Name the address that a request came from, as far as trusted proxies vouch for it."""
        forwarded = request.headers.get(b"x-forwarded-for")
        hops = forwarded[-FORWARDED_MAX_BYTES:].decode("latin-1") if forwarded else None
        try:
            return anonymous(client_address(request.peer, hops, self._trusted))
        except ValueError:
            return anonymous(_NO_ADDRESS)


def _check_single(request: Request, authorization: bytes | None, key: bytes | None) -> None:
    if request.repeated is not None:
        name = tokens.FIELD if request.repeated == b"authorization" else api_keys.FIELD
        raise CredentialRefused(Problem("header-invalid", f"{name} is given more than once", name))
    if authorization is not None and key is not None:
        detail = "both Authorization and X-API-Key are given; send one of them"
        raise CredentialRefused(Problem("header-invalid", detail, api_keys.FIELD))


_DATABASE_AWAY = Problem("database-unavailable", "the API key cannot be looked up now", retry_after_s=DATABASE_RETRY_S)
