"""How often a provider is called when many readers meet one missing or expired key at the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.clock import now_ns
from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Needs
from gatespec.errors import unable
from gatespec.ports import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.ports import Exchange
    from gatespec.stack.lane import Stack
    from gatespec.target import Target

READERS = 200
INSTANCES = 4
LATENCY_MS = 150
"""The provider's: long beside the time in which all readers have asked."""
TTL_MS = 2_000
OVERDUE_MS = 50
OK = 200

SETTINGS: Mapping[str, str] = {
    "GATEWAY_RATE_FREE": "1000000",
    "GATEWAY_REDIS_BUDGET_S": "1",
    "GATEWAY_TTL_PRICING_S": str(TTL_MS / 1000),
    "GATEWAY_POLL_S": "0",
    "GATEWAY_HEALTH_INTERVAL_S": "0",
    "GATEWAY_XFETCH_BETA": "0",
}
"""Without early refreshes: a key that expires under load is what is measured."""


@dataclass(frozen=True)
class Stampede:
    """What one moment came to."""

    key: str
    """`missing` or `expired`."""
    readers: int
    instances: int
    calls: int
    """At the provider; 1 is right."""
    stale: int
    """Answers that said that they were."""
    p50_ms: int
    worst_ms: int


def stampedes(target: Target, stack: Stack, moments: int) -> Iterator[Stampede]:
    """Let all readers at fresh providers, each first never read and then expired just now, so many of them.

    Raise `unable` where any reader was not answered 200, or another number of calls was made than one.
    """
    needs = Needs(providers=2 * moments, instances=INSTANCES)
    with stack.lane(target, settings=SETTINGS, instances=INSTANCES, needs=needs) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        try:
            gateway.begin()
            for provider in gateway.fresh_providers(moments):
                gateway.provider(provider, latency_ms=LATENCY_MS)
                yield checked(_meet(gateway, provider, "missing"))
                _expire(gateway, provider)
                yield checked(_meet(gateway, provider, "expired"))
        finally:
            gateway.close()


def _expire(gateway: HttpReadGateway, provider: str) -> None:
    """Wait until what was fetched has expired: its lifetime began with the call at the earliest."""
    (*_, last) = gateway.calls([provider])
    gone_ms = now_ns() // 1_000_000 - (last.ended_ms or last.began_ms)
    gateway.wait(max(0, TTL_MS + OVERDUE_MS - gone_ms))


def _meet(gateway: HttpReadGateway, provider: str, key: str) -> Stampede:
    before = len(gateway.calls([provider]))
    path = f"/api/v2/providers?provider={provider}"
    asked = [Request(gateway.fresh("ip", "free"), place % INSTANCES, path=path) for place in range(READERS)]
    answers = gateway.play(asked)
    waited = sorted(answer.span.heard_ms - answer.span.sent_ms for answer in answers)
    _check_statuses(answers)
    return Stampede(
        key,
        READERS,
        INSTANCES,
        len(gateway.calls([provider])) - before,
        sum(b'"code":"stale"' in answer.body for answer in answers),
        waited[len(waited) // 2],
        waited[-1],
    )


def _check_statuses(answers: list[Exchange]) -> None:
    others = sorted({str(answer.status) for answer in answers if answer.status != OK})
    if others:
        raise unable("benchmark-unfit", f"readers were answered {', '.join(others)}, which is not measured")


def checked(met: Stampede) -> Stampede:
    """Return it if the provider was called once; raises `unable` for anything else."""
    if met.calls != 1:
        said = f"{met.readers} readers on {met.instances} instances met one {met.key} key, and {met.calls} calls came"
        raise unable("benchmark-unfit", said, hint="`gatespec verify --only P06` tells the shortest story of it")
    return met
