"""The words of a measurement: who is asked, what for, and what one round showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/api/v2/providers"
"""What is read; the gateway's log and metrics call the route the same."""
CLIENTS = 32
"""Connections, each with one request under way: enough to keep a server busy, few enough that it need not queue."""
REQUESTS_MAX = 1_000_000
"""Of one round: a server so fast that it ends earlier than the clock is measured just as well."""
GATEWAY = "gateway"
BARE = "bare granian"
NINJA = "Django-Ninja"
BASELINES = (BARE, NINJA)
CONTENDERS = (GATEWAY, *BASELINES)


@dataclass(frozen=True)
class Workload:
    """One kind of traffic."""

    name: str
    identities: int
    conditional: bool = False
    """Whether a client sends the ETag that it saw last."""

    @property
    def permitted(self) -> frozenset[int]:
        """The statuses that are measured; any other makes the numbers those of something else."""
        return frozenset({200, 304} if self.conditional else {200})


WORKLOADS = (Workload("one", 1), Workload("many", 100), Workload("not-modified", 100, conditional=True))


@dataclass(frozen=True)
class Load:
    """The client's account of one load."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    statuses: Mapping[int, int] = field(default_factory=dict)
    """Requests by status; 0 is no answer. What is not listed was not seen."""
    caches: Mapping[str, int] = field(default_factory=dict)
    """Answers by what `Cache-Status` said: `hit`, `stale`, `miss`, or `none` where it was not there."""


@dataclass(frozen=True)
class Round:
    """One contender under one load, and what it cost."""

    workload: str
    contender: str
    number: int
    load: Load
    cpu_s: float
    """CPU seconds of the serving process, user and system together."""
    redis_cpu_s: float

    @property
    def per_s(self) -> float:
        """Requests answered in a second."""
        return self.load.requests / self.load.seconds

    @property
    def cpu_per_1000_s(self) -> float:
        """CPU seconds per 1,000 requests: fair also where the load generator shares the cores."""
        return 1000 * self.cpu_s / self.load.requests

    @property
    def redis_cpu_per_1000_s(self) -> float:
        """Redis' CPU seconds per 1,000 requests."""
        return 1000 * self.redis_cpu_s / self.load.requests
