"""Instances that share snapshots, each with its own memory and its own connections to a real Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest_asyncio

from reference_gateway.adapters.redis import Healths, RedisSnapshots, open_snapshots
from reference_gateway.adapters.redis import snapshots as snapshots_in_redis
from reference_gateway.edge import clock
from reference_gateway.edge.cursors import Cursors
from reference_gateway.edge.pages import Pages
from reference_gateway.edge.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

PATIENT_S = 30.0
"""A budget for tests that are about something else than budgets."""
LIFE_MS = 300_000


@dataclass
class Instance:
    """What one process of the gateway holds of pages."""

    store: RedisSnapshots
    snapshots: Snapshots
    cursors: Cursors
    pages: Pages
    healths: Healths

    def loses_redis(self) -> None:
        """Let it believe that a server is away."""
        self.healths.of("127.0.0.1:1").away = True


@pytest_asyncio.fixture
async def opened(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Instance]]:
    # A first word to a cluster lays a line to each node: on a busy machine that takes as long as it takes.
    monkeypatch.setattr(snapshots_in_redis, "FINISH_S", PATIENT_S)
    instances: list[Instance] = []

    def opens(url: str, *, budget_s: float = PATIENT_S, life_ms: int = LIFE_MS) -> Instance:
        healths = Healths(round(budget_s * 1_000_000), clock.monotonic_us)
        store = open_snapshots(url, healths)
        snapshots, cursors = Snapshots(store, life_ms), Cursors(store)
        instance = Instance(store, snapshots, cursors, Pages(snapshots, cursors, life_ms), healths)
        instances.append(instance)
        return instance

    yield opens
    for instance in instances:
        await instance.healths.close()
        await instance.store.close()
