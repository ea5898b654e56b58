"""The judge's own signing key, made for each run: the gateway trusts it, so the judge can be anybody."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from pathlib import Path

KEY_BITS = 2048
"""The least that RFC 7518 lets RS256 use."""
ISSUER = "https://gatespec.invalid"
"""A name that can never be somebody's (RFC 6761)."""
AUDIENCE = "provider-api-gateway"


@dataclass(frozen=True)
class SigningKey:
    """An RS256 key pair in PEM files that only their owner can read, and whom its tokens come from and are for."""

    private_key_file: Path
    public_key_file: Path
    issuer: str
    audience: str

    @classmethod
    def lying_in(cls, folder: Path) -> SigningKey:
        """The pair that lies in `folder`, or would."""
        return cls(folder / "jwt-private.pem", folder / "jwt-public.pem", ISSUER, AUDIENCE)

    def settings(self) -> dict[str, str]:
        """The contract's settings that make a gateway trust it."""
        return {
            "GATEWAY_JWT_PRIVATE_KEY_FILE": str(self.private_key_file),
            "GATEWAY_JWT_PUBLIC_KEY_FILE": str(self.public_key_file),
            "GATEWAY_JWT_ISSUER": self.issuer,
            "GATEWAY_JWT_AUDIENCE": self.audience,
        }


def make_signing_key(folder: Path) -> SigningKey:
    """Write a new key pair into `folder`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pair = SigningKey.lying_in(folder)
    encoding = serialization.Encoding.PEM
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    _write_private(pair.private_key_file, key.private_bytes(encoding, pkcs8, plain))
    public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write_private(pair.public_key_file, public)
    return pair


def _write_private(file: Path, content: bytes) -> None:
    """Never readable by others, not even for the moment between making and closing it."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
