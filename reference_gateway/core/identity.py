"""Who is limited, and on which plan: from proven claims, or from an address. Never from a client's own header."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLANS = ("free", "pro", "enterprise")
TYPES = ("user", "agent", "service")
NAME_MAX_CHARS = 255
"""The longest subject; RFC 7519 sets none, and identity providers stay below this."""
HOPS_MAX = 32
"""How many hops of X-Forwarded-For are read, nearest first: a chain of proxies is shorter, a hostile header is not."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9._@:+-]{1,64}")
_SUBNET_BITS = 64

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class ClaimsInvalid(ValueError):  # noqa: N818 - named as the contract's codes are: what, then what is wrong
    """A verified token says something that no identity can be made of; `field` is the claim at fault."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the claim {field!r} is missing or malformed")
        self.field = field


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who is limited: `kind` is user, key, agent, service or ip."""

    kind: str
    name: str
    plan: str
    scopes: frozenset[str] = frozenset()
    """What a token allows beyond reading, by its `scope`."""
    user: str = ""
    """The `sub` of the user who asks, by a token or by a key of his; empty for everybody else."""
    session: str = ""
    """The `sid` of the token: what ends it when its user signs out."""

    @property
    def id(self) -> str:
        """As the contract writes it: `user:abc`."""
        return f"{self.kind}:{self.name}"


def identity_from_claims(claims: Mapping[str, Any]) -> Identity:
    """Read what a token says whose signature, issuer, audience and times were verified.

    Without a plan a user is on free, an agent or a service on enterprise. Raises `ClaimsInvalid`.
    """
    kind, name = claims.get("typ"), claims.get("sub")
    if kind not in TYPES:
        raise ClaimsInvalid("typ")
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_MAX_CHARS or not _is_text(name):
        raise ClaimsInvalid("sub")
    plan = claims.get("plan", "free" if kind == "user" else "enterprise")
    if plan not in PLANS:
        raise ClaimsInvalid("plan")
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise ClaimsInvalid("scope")
    session = claims.get("sid", "")
    if not isinstance(session, str):
        raise ClaimsInvalid("sid")
    return Identity(kind, name, plan, frozenset(scope.split()), name if kind == "user" else "", session)


def _is_text(name: str) -> bool:
    """Whether no lone surrogate is in it: JSON can carry one, UTF-8 cannot, so logs and stores would fail on it."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def window_key(identity: Identity) -> str:
    """Name the identity's window in a shared store.

    A name is the client's to choose. What is short and plain stays readable; all else is hashed, behind another mark
    so that no plain name can spell a hash. Neither holds braces, so no client chooses its slot in a cluster.
    """
    if _PLAIN_NAME.fullmatch(identity.name):
        return f"rl:{identity.kind}:{identity.name}"
    digest = hashlib.sha256(identity.name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"rl:{identity.kind}#{digest}"


def network_of(address: str) -> str:
    """Name whom an address stands for: IPv4 itself, IPv6 its /64 (one customer's own), v4-mapped IPv6 the IPv4.

    Raises ValueError for what is no address.
    """
    parsed = _parsed(address)
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(IPv6Address(int(parsed) >> _SUBNET_BITS << _SUBNET_BITS))


def anonymous(address: str) -> Identity:
    """Build the identity of a caller without credential: its address, on the free plan. Raises ValueError."""
    return Identity("ip", network_of(address), "free")


def client_address(peer: str, forwarded_for: str | None, trusted: Sequence[Network]) -> str:
    """Name the nearest hop that is not a trusted proxy; all further ones are hearsay.

    `forwarded_for` is X-Forwarded-For with all its lines joined by commas. A hop that is no address ends the walk: its
    reporter stands for it. Raises ValueError if `peer` is no address.
    """
    client = _parsed(peer)
    hops = forwarded_for.rsplit(",", HOPS_MAX)[-HOPS_MAX:] if forwarded_for else []
    for hop in reversed(hops):
        if not _is_trusted(client, trusted):
            break
        try:
            client = _parsed(_without_port(hop.strip()))
        except ValueError:
            break
    return str(client)


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _without_port(hop: str) -> str:
    """Strip what some proxies append: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=4096)
def _parsed(address: str) -> Address:
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
