"""Made-up rounds and books, as small as arithmetic allows."""

from __future__ import annotations

import pytest

from benchmarks.books import Account, Books
from benchmarks.contest import BARE, GATEWAY, NINJA, Load, Round


@pytest.fixture
def rounds() -> list[Round]:
    """Two rounds, the second on a machine half as fast: the ratios must not see that."""
    return [
        _round(GATEWAY, 1, requests=4000),
        _round(BARE, 1, requests=8000),
        _round(NINJA, 1, requests=400),
        _round(GATEWAY, 2, requests=2000),
        _round(BARE, 2, requests=4000),
        _round(NINJA, 2, requests=200),
    ]


@pytest.fixture
def agreed() -> Books:
    """A load of 100 requests, one of them a miss, on which everybody agrees."""
    full = Account({200: 100}, {"hit": 99, "miss": 1})
    return Books("one, round 1", full, full, full, {"admitted": 100}, calls_metered=1, calls_received=1)


@pytest.fixture
def line_lost(agreed: Books) -> Books:
    """The same, but for one line that the log does not have."""
    return Books(
        agreed.load,
        agreed.sent,
        Account({200: 99}, {"hit": 98, "miss": 1}),
        agreed.metered,
        agreed.limited,
        agreed.calls_metered,
        agreed.calls_received,
    )


def _round(contender: str, number: int, *, requests: int) -> Round:
    load = Load(requests, 2.5, 1.0, 2.0, {200: requests}, {"hit": requests})
    return Round("one", contender, number, load, cpu_s=2.0, redis_cpu_s=0.5)
