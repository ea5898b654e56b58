"""Reading from Vault again and again, until something is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.clock import MonotonicClock, now_ns, sleep_until_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.adapters.vault import HvacVault

CLOCK = MonotonicClock()
PACE_NS = 50_000_000
"""Between two reads: a token of some seconds is met in every part of its life."""


async def read_until(vault: HvacVault, reached: Callable[[], bool], *, at_most_ms: int) -> int:
    """See every read answered; return how many there were. Fails where it is not so by then."""
    reads, last_ms = 0, CLOCK.now_ms() + at_most_ms
    while not reached():
        assert CLOCK.now_ms() < last_ms, f"not so within {at_most_ms} ms"
        assert await vault.read("providers/lambda") is not None
        reads += 1
        await sleep_until_ns(now_ns() + PACE_NS)
    return reads
