"""Identities of the judge's own making: addresses that nobody has, tokens signed with a key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gatespec.clock import epoch_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatespec.ports import Kind, Plan

_V4 = int(ip_network("198.18.0.0/15").network_address)
"""RFC 2544's benchmark network: 131,072 addresses that no client has."""
_V4_COUNT = 2**17
_V6 = int(ip_network("2001:db8::/32").network_address)
"""RFC 3849's documentation prefix: each /64 in it is one identity."""
TOKEN_S = 900
DEFAULT_PLANS = {"user": "free", "agent": "enterprise", "service": "enterprise"}
"""The plan of a token that names none."""


class Numbers:
    """Numbers for identities that nobody had; every story's first one is odd.

    Odd and even ones differ in kind (IPv4 or IPv6, a plan said or not), so a story told again meets the same people.
    """

    def __init__(self) -> None:
        self._last = 0

    def begin(self) -> None:
        """A story begins."""
        self._last += self._last % 2

    def __next__(self) -> int:
        self._last += 1
        return self._last


def fresh_address(number: int) -> str:
    """The `number`th address: IPv4 and the first of an IPv6 /64 in turn."""
    if number % 2:
        return str(IPv4Address(_V4 + number // 2 % _V4_COUNT))
    return str(IPv6Address(_V6 + (number // 2 << 64) + 1))


def neighbour(address: str, number: int) -> str:
    """Another address of the same identity: of the same /64; an IPv4 address has none but itself."""
    if ":" not in address:
        return address
    return str(IPv6Address((int(IPv6Address(address)) & ~(2**64 - 1)) + 1 + number * 0x1_0000_0001))


@dataclass(frozen=True)
class Signer:
    """Signs access tokens as the contract describes them."""

    private_key_file: Path
    issuer: str
    audience: str
    told: Callable[[str], None] | None = None
    """Told of every token that is made."""

    def token(self, kind: Kind, subject: str, plan: Plan, *, silent: bool = False, scope: str = "") -> str:
        """An RS256 token for `subject`, valid for 15 minutes; a `silent` one leaves a default plan out.

        `scope` holds words separated by blanks.
        """
        now = epoch_s()
        claims: dict[str, str | int] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "typ": kind,
            "scope": scope,
            "iat": now,
            "exp": now + TOKEN_S,
            "jti": f"{subject}-{now}",
        }
        if not (silent and DEFAULT_PLANS.get(kind) == plan):
            claims["plan"] = plan
        token = jwt.encode(claims, _private_key(self.private_key_file), algorithm="RS256")
        if self.told:
            self.told(token)
        return token


@cache
def _private_key(file: Path) -> RSAPrivateKey:
    """Read once: to load a key is to check it, which takes eighty times as long as to sign with it."""
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{file.name} holds no RSA key")
    return key
