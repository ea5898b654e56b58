"""`Cache-Status` (RFC 9211): which tiers a read consulted and what each did, the one nearest the provider first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

MS_PER_S = 1000

Forward = Literal["miss", "stale"]
"""Why a tier asked the next one: it held nothing, or something that has expired."""


@dataclass(frozen=True, slots=True)
class Step:
    """One tier's part: it answered (`ttl_ms` left, negative where it was stale), or asked on."""

    tier: str
    ttl_ms: int | None = None
    forward: Forward = "miss"
    stored: bool = False
    """Whether what came back was stored as fresh."""


def cache_status(steps: Sequence[Step]) -> str:
    """Write the field: `l1; hit; ttl=41, l2; fwd=miss; stored`."""
    return ", ".join(map(_member, steps))


def _member(step: Step) -> str:
    """Whole seconds are rounded down: a client is never told that something is fresh for longer than it is."""
    if step.ttl_ms is not None:
        return f"{step.tier}; hit; ttl={step.ttl_ms // MS_PER_S}"
    return f"{step.tier}; fwd={step.forward}" + ("; stored" if step.stored else "")
