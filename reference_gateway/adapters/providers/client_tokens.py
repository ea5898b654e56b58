"""OAuth 2.0 client credentials (RFC 6749, 4.4): a token is bought with id and secret, and used until it ends."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, StringConstraints, ValidationError

from reference_gateway.adapters.providers.fields import Whole, header_text
from reference_gateway.adapters.providers.port import FailureKind, ProviderFailed, Token, WireRequest
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.providers.port import ListCall, Result

CREDENTIAL_FIELDS: Final = ("client_id", "client_secret")

MARGIN_S: Final = 60
"""A token is not used in the last minute that it has: the way to the provider, and his clock, take some of it."""

TOKEN_LENGTH_MAX: Final = 8000
"""Characters; servers read no longer header."""

_MS_PER_S: Final = 1000
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401


class Answer(BaseModel, strict=True):
    """What a token request brings; `expires_in` is in seconds."""

    access_token: Annotated[str, StringConstraints(pattern=rf"^[!-~]{{1,{TOKEN_LENGTH_MAX}}}$")]
    expires_in: Whole


@dataclass(slots=True)
class TokenWire:
    """The wire of one call, with a token in every request.

    A 401 ends a token sooner than was said: once a call it is bought anew, and that request sent again.
    """

    call: ListCall
    token_path: str
    renewals_left: int = field(default=1, init=False)

    async def get(self, path: str, read: Callable[[object], Result]) -> Result:
        """As `Wire.send`; raises `ProviderFailed` of kind `credential` also where no token is to be had."""
        headers = {"Authorization": f"Bearer {(await self._token()).reveal()}"}
        try:
            return await self.call.wire.send(WireRequest(path, headers), read)
        except ProviderFailed as failed:
            if failed.status != _UNAUTHORIZED or not self.renewals_left:
                raise
        self.renewals_left -= 1
        self.call.tokens.pop(self._name(), None)
        return await self.get(path, read)

    async def _token(self) -> Secret:
        known = self.call.tokens.get(self._name())
        if known is not None and self.call.now_ms() < known.until_ms:
            return known.secret
        bought = await self._buy()
        self._forget_the_ended()
        self.call.tokens[self._name()] = bought
        return bought.secret

    async def _buy(self) -> Token:
        try:
            return await self.call.wire.send(self._request(), self._read)
        except ProviderFailed as failed:
            if failed.status != _BAD_REQUEST:
                raise
        raise ProviderFailed(FailureKind.CREDENTIAL, "no token for this client", status=_BAD_REQUEST)

    def _request(self) -> WireRequest:
        asked = {"grant_type": "client_credentials"} | {
            name: header_text(self.call.credential, name) for name in CREDENTIAL_FIELDS
        }
        return WireRequest(self.token_path, {"Content-Type": "application/json"}, "POST", json.dumps(asked).encode())

    def _read(self, body: object) -> Token:
        try:
            answer = Answer.model_validate(body)
        except ValidationError:
            pass  # raised below: the validator's error holds the token
        else:
            until_ms = self.call.now_ms() + (answer.expires_in - MARGIN_S) * _MS_PER_S
            return Token(Secret(answer.access_token), until_ms)
        raise ProviderFailed(FailureKind.UNDECODABLE, "the answer holds no token")

    def _name(self) -> str:
        """Of the token in the instance's memory: another credential's is another, and a digest tells nobody which."""
        credential = "\n".join(header_text(self.call.credential, name) for name in CREDENTIAL_FIELDS)
        return f"{self._prefix()}{hashlib.sha256(credential.encode()).hexdigest()}"

    def _prefix(self) -> str:
        return f"{self.call.provider}{self.token_path}/"

    def _forget_the_ended(self) -> None:
        """Credentials rotate: what they bought is not kept for ever."""
        now_ms = self.call.now_ms()
        ended = [n for n, t in self.call.tokens.items() if n.startswith(self._prefix()) and t.until_ms <= now_ms]
        for name in ended:
            del self.call.tokens[name]
