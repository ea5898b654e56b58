"""Access tokens: RS256 JWTs of one issuer for one audience. Source: RFC 7519, RFC 8725 (best current practice)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import jwt

from reference_gateway.core.identity import ClaimsInvalid, Identity, identity_from_claims
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.credential_cache import CredentialCache

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from reference_gateway.edge.auth.signing_keys import KeyRing, WatchedKeys

TOKEN_MAX_BYTES = 8192
"""Longer ones are refused unread: a JSON decoder must not be given what a stranger made as deep as he likes."""
TOKENS_MAX = 10_000
"""Verified tokens kept: an RSA verification costs as much as the rest of a request."""
FIELD = "Authorization"
"""The field at fault in every problem of a token."""
_REQUIRED = ["iss", "aud", "exp", "iat", "sub"]


class CredentialRefused(Exception):  # noqa: N818 - it carries the problem that the client gets
    """A presented credential that proves nothing; `problem` says why, without quoting it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class AccessTokens:
    """Verifies tokens, each once for as long as the keys stay the same."""

    def __init__(self, keys: WatchedKeys, issuer: str, audience: str) -> None:
        self._ring = keys.ring
        keys.on_change(self._take)
        self._issuer = issuer
        self._audience = audience
        self._verified: CredentialCache[Identity] = CredentialCache(TOKENS_MAX)

    def identify(self, authorization: bytes) -> Identity:
        """Prove the identity in an `Authorization` header; raises `CredentialRefused`."""
        digest = hashlib.sha256(authorization).digest()
        known = self._verified.get(digest, clock.epoch_s())
        return known if known is not None else self._verify(authorization, digest)

    def _take(self, ring: KeyRing) -> None:
        """A token of a key that is not in force any more proves nothing, whoever remembers it."""
        self._ring = ring
        self._verified.clear()

    def _verify(self, authorization: bytes, digest: bytes) -> Identity:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise _invalid("the Authorization header is not of the scheme Bearer")
        if len(token) > TOKEN_MAX_BYTES:
            raise _invalid(f"the token is longer than {TOKEN_MAX_BYTES} bytes")
        claims = self._claims(token.strip())
        try:
            identity = identity_from_claims(claims)
        except ClaimsInvalid as error:
            raise _invalid(str(error)) from None
        self._verified.put(digest, identity, float(claims["exp"]))
        return identity

    def _claims(self, token: bytes) -> dict[str, Any]:
        try:
            return self._of_any(token, self._ring.candidates(jwt.get_unverified_header(token).get("kid")))
        except jwt.ExpiredSignatureError:
            raise CredentialRefused(Problem("token-expired", "the token's `exp` has passed", FIELD)) from None
        except jwt.PyJWTError as error:
            raise _invalid(_reason(error)) from None
        except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
            raise _invalid("the token cannot be decoded") from None

    def _of_any(self, token: bytes, keys: tuple[RSAPublicKey, ...]) -> dict[str, Any]:
        """Verify by the first key that it is signed with."""
        for key in keys:
            try:
                return self._decoded(token, key)
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError

    def _decoded(self, token: bytes, key: RSAPublicKey) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=self._issuer,
            audience=self._audience,
            leeway=0,
            options={"require": _REQUIRED},
        )


_REASONS: dict[type[jwt.PyJWTError], str] = {
    jwt.InvalidSignatureError: "its signature is not of a key in force",
    jwt.InvalidAlgorithmError: "it is not signed with RS256",
    jwt.InvalidIssuerError: "its `iss` is another issuer",
    jwt.InvalidAudienceError: "its `aud` is another audience",
    jwt.ImmatureSignatureError: "it is not valid yet (`nbf` or `iat`)",
    jwt.InvalidIssuedAtError: "its `iat` is not a number",
    jwt.MissingRequiredClaimError: "it lacks one of the claims " + ", ".join(_REQUIRED),
}


def _reason(error: jwt.PyJWTError) -> str:
    """Explain by our own words: the library's may quote the token."""
    return "the token is not accepted: " + _REASONS.get(type(error), "it is malformed")


def revoked() -> CredentialRefused:
    """Refuse a token that was good until its user, service or session was revoked."""
    return _invalid("the token is not accepted: it was revoked")


def _invalid(detail: str) -> CredentialRefused:
    return CredentialRefused(Problem("token-invalid", detail, FIELD))
