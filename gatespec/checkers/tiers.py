"""Cache-Status (RFC 9211) as the contract has it: a member per tier consulted, the tier nearest the provider first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import http_sf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.ports import Exchange

L1, L2 = "l1", "l2"
FIELD = "cache-status"


class NoCacheStatus(Exception):  # noqa: N818 - it becomes a breach, not an error of the judge
    """The field is missing, or says nothing that can be read; says why."""


@dataclass(frozen=True)
class Tier:
    """What an answer says of one tier."""

    name: str
    hit: bool
    """Answered from what is stored there, be it fresh or not."""
    forwarded: str | None
    """Why it was not: the value of `fwd`."""
    ttl_s: int | None
    """How much longer the entry is fresh; below zero: since when it is not."""

    @property
    def is_fresh_hit(self) -> bool:
        """Answered from an entry that this tier does not call stale."""
        return self.hit and (self.ttl_s is None or self.ttl_s >= 0)


def tiers_of(exchange: Exchange) -> dict[str, Tier]:
    """The tiers that an answer names, in the order named; raise `NoCacheStatus` where that cannot be told."""
    text = exchange.headers.get(FIELD)
    if text is None:
        raise NoCacheStatus("Cache-Status is missing")
    try:
        members: Any = http_sf.parse(text.encode("latin-1"), tltype="list")
        tiers = [_tier(str(named), parameters) for named, parameters in members]
    except (ValueError, TypeError, UnicodeEncodeError) as error:
        raise NoCacheStatus(f"Cache-Status is not a list of caches with parameters: {text!r}") from error
    return {tier.name: tier for tier in tiers}


def _tier(name: str, parameters: Mapping[str, Any]) -> Tier:
    forwarded, ttl = parameters.get("fwd"), parameters.get("ttl")
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool)):
        raise TypeError(f"ttl is {ttl!r}")
    return Tier(name.lower(), parameters.get("hit") is True, None if forwarded is None else str(forwarded), ttl)
