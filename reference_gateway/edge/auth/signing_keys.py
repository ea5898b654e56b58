"""The keys that sign and verify access tokens, from files that may change while the gateway runs.

Rotation: add the new public key to the file, swap the private one, take the old public key out. Each step is taken in
within `LOOK_EVERY_S` by every instance that sees the files.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import jwt
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import RSAAlgorithm

from reference_gateway.edge.settings import SettingInvalid, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KEY_MIN_BITS: Final = 2048
"""RFC 7518 section 3.3."""
KEYS_MAX: Final = 8
"""A token without `kid` is tried with each: a signature that fails costs as much as one that holds."""
LOOK_EVERY_S: Final = 1.0
FILE_MAX_BYTES: Final = 65_536

_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
_EXPECTED = f"a PEM file with 1 to {KEYS_MAX} RSA public keys of at least {KEY_MIN_BITS} bits"
_PAIR = "a PEM file with the private half of a key in GATEWAY_JWT_PUBLIC_KEY_FILE"


@dataclass(frozen=True)
class Signer:
    """The private key, and the id by which its tokens name it."""

    key: RSAPrivateKey = field(repr=False)
    key_id: str

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the claims as a signed token."""
        return jwt.encode(dict(claims), self.key, algorithm="RS256", headers={"kid": self.key_id})


@dataclass(frozen=True)
class KeyRing:
    """The keys in force, by their ids."""

    keys: Mapping[str, RSAPublicKey]
    signer: Signer | None
    """None where the gateway issues no tokens."""

    def candidates(self, key_id: str | None) -> tuple[RSAPublicKey, ...]:
        """Return what a token with this `kid` may be signed with: none of ours where we do not know it."""
        if key_id is None:
            return tuple(self.keys.values())
        return (self.keys[key_id],) if key_id in self.keys else ()

    def key_set(self) -> bytes:
        """Render the JWK set (RFC 7517)."""
        return json.dumps({"keys": [_jwk(key_id, key) for key_id, key in self.keys.items()]}).encode()


def key_id_of(key: RSAPublicKey) -> str:
    """Derive the id from the key, so that it is equal on all instances."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


@dataclass(frozen=True)
class KeyFiles:
    """Where the keys lie."""

    public: Path
    private: Path | None

    def contents(self) -> tuple[bytes, bytes | None]:
        """Read both; raises OSError."""
        return _read(self.public), None if self.private is None else _read(self.private)

    def ring(self, contents: tuple[bytes, bytes | None]) -> KeyRing:
        """Make the ring of what was read; raises `SettingInvalid`."""
        keys = {key_id_of(key): key for key in self._public_keys(contents[0])}
        return KeyRing(keys, None if contents[1] is None else self._signer(contents[1], keys))

    def load(self) -> KeyRing:
        """Read and make; raises `SettingInvalid`."""
        try:
            return self.ring(self.contents())
        except OSError:
            raise self._invalid_public() from None

    def _public_keys(self, text: bytes) -> list[RSAPublicKey]:
        blocks = [match[0] for match in _PEM.finditer(text)]
        if not 1 <= len(blocks) <= KEYS_MAX:
            raise self._invalid_public()
        return [self._public_key(block) for block in blocks]

    def _public_key(self, block: bytes) -> RSAPublicKey:
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm):
            raise self._invalid_public() from None
        if not isinstance(key, RSAPublicKey) or key.key_size < KEY_MIN_BITS:
            raise self._invalid_public()
        return key

    def _signer(self, text: bytes, keys: Mapping[str, RSAPublicKey]) -> Signer:
        try:
            key = load_pem_private_key(text, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, RSAPrivateKey) or (key_id := key_id_of(key.public_key())) not in keys:
            raise SettingInvalid(variable_of("jwt_private_key_file"), str(self.private), _PAIR)
        return Signer(key, key_id)

    def _invalid_public(self) -> SettingInvalid:
        return SettingInvalid(variable_of("jwt_public_key_file"), str(self.public), _EXPECTED)


class WatchedKeys:
    """The ring as the files say it now; whoever wants to know of another one registers with `on_change`."""

    def __init__(self, files: KeyFiles) -> None:
        """Raise `SettingInvalid` where the files are no ring now."""
        self._files = files
        self.ring = files.load()
        self._seen: tuple[bytes, bytes | None] | None = None
        self._told: list[Callable[[KeyRing], None]] = []

    def key_set(self) -> bytes:
        """Render the JWK set as it is now."""
        return self.ring.key_set()

    def on_change(self, told: Callable[[KeyRing], None]) -> None:
        """Have this called with each new ring."""
        self._told.append(told)

    async def look(self) -> None:
        """Take in what changed; files that are no ring leave the old one in force, and are complained of once."""
        try:
            contents = await asyncio.to_thread(self._files.contents)
        except OSError:
            contents = (b"", None)
        if contents == self._seen:
            return
        self._seen = contents
        try:
            ring = self._files.ring(contents)
        except SettingInvalid as error:
            structlog.get_logger().error("signing keys not taken in", reason=str(error))
            return
        self._take(ring)

    def _take(self, ring: KeyRing) -> None:
        if ring.keys.keys() == self.ring.keys.keys() and _name_of(ring.signer) == _name_of(self.ring.signer):
            return
        self.ring = ring
        structlog.get_logger().info("signing keys changed", key_ids=sorted(ring.keys), signs=_name_of(ring.signer))
        for told in self._told:
            told(ring)


def _name_of(signer: Signer | None) -> str | None:
    return None if signer is None else signer.key_id


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_MAX_BYTES)


def _jwk(key_id: str, key: RSAPublicKey) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "use": "sig", "alg": "RS256", "kid": key_id}
