"""Access tokens as this gateway issues them, and the answers that carry them."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final

import orjson

from reference_gateway.core.answers import Answer
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.auth.sessions import hash_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.edge.auth.people import Service
    from reference_gateway.edge.auth.sessions import Session
    from reference_gateway.edge.auth.signing_keys import Signer, WatchedKeys

JTI_BYTES: Final = 16
_NOBODYS: Final = hash_of(secrets.token_urlsafe(32))


class TokenIssuer:
    """Signs tokens that live for `token_s`."""

    def __init__(self, keys: WatchedKeys, issuer: str, audience: str, token_s: int) -> None:
        self._keys = keys
        self._about = {"iss": issuer, "aud": audience}
        self._token_s = token_s

    @property
    def issues(self) -> bool:
        """Whether there is a key to sign with."""
        return self._keys.ring.signer is not None

    def dead_s(self) -> float:
        """When no token issued until now lives any more, on the clock of tokens."""
        return clock.epoch_s() + self._token_s

    def user(self, session: Session) -> dict[str, Any]:
        """Issue a token of a session; it ends no later than the session."""
        left_s = int(session.expires_at.timestamp() - clock.epoch_s())
        claims = {"sub": session.user, "typ": "user", "plan": session.plan, "scope": "", "sid": session.id}
        return self._issued(claims, min(self._token_s, max(left_s, 0)))

    def service(self, service_id: str, scopes: Sequence[str]) -> dict[str, Any]:
        """Issue a service's token."""
        scope = " ".join(scopes)
        claims = {"sub": service_id, "typ": "service", "plan": "enterprise", "scope": scope}
        return {**self._issued(claims, self._token_s), "scope": scope}

    def _issued(self, claims: dict[str, Any], life_s: int) -> dict[str, Any]:
        now_s = int(clock.epoch_s())
        times = {"iat": now_s, "exp": now_s + life_s, "jti": secrets.token_hex(JTI_BYTES)}
        token = self._signer().sign({**self._about, **claims, **times})
        return {"access_token": token, "token_type": "Bearer", "expires_in": life_s}

    def _signer(self) -> Signer:
        signer = self._keys.ring.signer
        if signer is None:
            raise AssertionError("without a private key no issuing route is served")
        return signer


def granted(service: Service | None, secret: str, wanted: str | None) -> tuple[str, ...] | Problem | None:
    """Return the scopes that a service gets, or None where its name and secret are not in force together.

    An unknown service costs the same comparison.
    """
    right = hmac.compare_digest(_NOBODYS if service is None else service.hash, hash_of(secret))
    if service is None or not right:
        return None
    scopes = service.scopes if wanted is None else tuple(dict.fromkeys(wanted.split()))
    if missing := [scope for scope in scopes if scope not in service.scopes]:
        return Problem("scope-missing", f"the service has no scope {missing[0]!r}")
    return scopes


def tokens_of(issued: dict[str, Any], *, refresh_token: str | None = None, session: Session | None = None) -> Answer:
    """Answer with tokens: the only time that they are shown."""
    document = dict(issued)
    if refresh_token is not None and session is not None:
        document["refresh_token"] = refresh_token
        document["refresh_expires_in"] = max(int(session.expires_at.timestamp() - clock.epoch_s()), 0)
    fields = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Answer(200, fields, orjson.dumps(document))
