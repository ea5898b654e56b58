"""Access tokens: RS256 JWTs of one issuer for one audience. Source: RFC 7519, RFC 8725 (best current practice)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from jwt.algorithms import RSAAlgorithm

from reference_gateway.core.identity import ClaimsInvalid, Identity, identity_from_claims
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.credential_cache import CredentialCache
from reference_gateway.edge.settings import SettingInvalid, variable_of

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_MAX_BYTES = 8192
"""Longer ones are refused unread: a JSON decoder must not be given what a stranger made as deep as he likes."""
TOKENS_MAX = 10_000
"""Verified tokens kept: an RSA verification costs as much as the rest of a request."""
FIELD = "Authorization"
"""The field at fault in every problem of a token."""
KEY_MIN_BITS = 2048
"""RFC 7518 section 3.3."""

_REQUIRED = ["iss", "aud", "exp", "iat", "sub"]


class CredentialRefused(Exception):  # noqa: N818 - it carries the problem that the client gets
    """A presented credential that proves nothing; `problem` says why, without quoting it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def load_public_key(path: Path) -> RSAPublicKey:
    """Read the PEM file of GATEWAY_JWT_PUBLIC_KEY_FILE; raises `SettingInvalid`."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_MIN_BITS:
        expected = f"a PEM file with an RSA public key of at least {KEY_MIN_BITS} bits"
        raise SettingInvalid(variable_of("jwt_public_key_file"), str(path), expected)
    return key


def key_set(key: RSAPublicKey) -> bytes:
    """Render the JWK set (RFC 7517); the key id is derived from the key, so it is equal on all instances."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    about = {"use": "sig", "alg": "RS256", "kid": hashlib.sha256(der).hexdigest()[:16]}
    return json.dumps({"keys": [{**RSAAlgorithm.to_jwk(key, as_dict=True), **about}]}).encode()


class AccessTokens:
    """Verifies tokens, each once."""

    def __init__(self, key: RSAPublicKey, issuer: str, audience: str) -> None:
        self._key = key
        self._issuer = issuer
        self._audience = audience
        self._verified: CredentialCache[Identity] = CredentialCache(TOKENS_MAX)

    def identify(self, authorization: bytes) -> Identity:
        """Prove the identity in an `Authorization` header; raises `CredentialRefused`."""
        digest = hashlib.sha256(authorization).digest()
        known = self._verified.get(digest, clock.epoch_s())
        return known if known is not None else self._verify(authorization, digest)

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
            return jwt.decode(
                token,
                self._key,
                algorithms=["RS256"],
                issuer=self._issuer,
                audience=self._audience,
                leeway=0,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise CredentialRefused(Problem("token-expired", "the token's `exp` has passed", FIELD)) from None
        except jwt.PyJWTError as error:
            raise _invalid(_reason(error)) from None
        except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
            raise _invalid("the token cannot be decoded") from None


_REASONS: dict[type[jwt.PyJWTError], str] = {
    jwt.InvalidSignatureError: "its signature is not that of the issuer's key",
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


def _invalid(detail: str) -> CredentialRefused:
    return CredentialRefused(Problem("token-invalid", detail, FIELD))
