"""A judge in small: a clock, providers that price serially, and a driver to play."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reference_gateway.conformance.asked import Answered
    from reference_gateway.conformance.reads import Reads
    from reference_gateway.conformance.world import UpstreamRequest

ANN = {"kind": "user", "name": "ann", "plan": "enterprise", "scope": ""}
OPERATOR = {"kind": "service", "name": "op", "plan": "enterprise", "scope": "read operate"}
DEADLINE_MS = 5_000
UNHINDERED = {"GATEWAY_HEALTH_INTERVAL_S": "0"}
"""A day of probes would take a minute."""
LIST_PATH = "/instance-types"


class Clock:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def advance(self, duration_ms: int) -> None:
        assert duration_ms >= 0
        self.ms += duration_ms


@dataclass(frozen=True)
class Asked:
    ticket: int
    instance: int
    method: str
    path: str
    headers: Mapping[str, str]
    credential: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True)
class Upstream:
    number: int
    after_ms: int | None
    status: int | None
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Word:
    after_ms: int | None
    state: Any
    fields: Mapping[str, str] = field(default_factory=dict)
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Declared:
    name: str
    adapter: str = "lambda"
    endpoints: tuple[tuple[str, float], ...] = (("http://upstream.invalid", 1),)
    concurrency: int = 10
    queue: int = 100
    poll_s: float | None = 0
    rate_per_s: float | None = None
    credential: Mapping[str, str] = field(default_factory=lambda: {"api_key": "anything"})


@dataclass
class Provider:
    """How it answers from now on, and what it saw: the moment, the instance and the end of each call."""

    latency_ms: int | None = 100
    status: int | None = 200
    calls: list[tuple[int, int]] = field(default_factory=list)


def listing(cents: int) -> bytes:
    item = {
        "instance_type": {
            "name": "gpu_1x_a10",
            "description": "1x A10 (24 GB PCIe)",
            "gpu_description": "A10 (24 GB PCIe)",
            "price_cents_per_hour": cents,
            "specs": {"vcpus": 30, "memory_gib": 200, "storage_gib": 1400, "gpus": 1},
        },
        "regions_with_capacity_available": [{"name": "us-west-1", "description": "California, USA"}],
    }
    return json.dumps({"data": {"gpu_1x_a10": item}}).encode()


class Judge:
    """Plays a driver; the n-th call of a provider brings a price of 100 + n cents."""

    def __init__(
        self, *, instances: int = 2, redis_url: str | None = None, kind: type[Reference] = Reference, **settings: str
    ) -> None:
        self.clock = Clock()
        self.providers: dict[str, Provider] = {}
        self.dice = 0.999999
        settings = {**UNHINDERED, **settings}
        self.reference = kind(clock=self.clock, instances=instances, settings=settings, redis_url=redis_url)
        self.secrets: dict[str, Mapping[str, str]] = {}
        self.vault_away = False
        self.vault_asked: list[tuple[str, str]] = []
        self.driver: Reads = self.reference.open_reads(
            ask=self._ask, left=lambda _: None, dice=lambda: self.dice, vault=self._vault
        )
        self.heard: dict[int, Answered] = {}
        self._tickets = count(1)

    def _ask(self, instance: int, name: str, _url: str, request: UpstreamRequest) -> Upstream:
        provider = self.providers[name]
        if not request.path.endswith(LIST_PATH):
            return Upstream(0, 0, 200, b"{}")
        provider.calls.append((self.clock.ms, instance))
        return Upstream(0, provider.latency_ms, provider.status, listing(100 + len(provider.calls)))

    def _vault(self, _instance: int, op: str, path: str) -> Word:
        self.vault_asked.append((op, path))
        if self.vault_away:
            return Word(0, "away")
        if op == "list":
            names = [each.removeprefix(f"{path}/") for each in self.secrets if each.startswith(f"{path}/")]
            return Word(0, "found" if names else "absent", names=names)
        house = {"api_key": "anything"} if path.startswith("providers/") else {}
        fields = self.secrets.get(path, house)
        return Word(0, "found" if fields else "absent", fields)

    def give(self, user: str, provider: str = "p", key: str = "his own") -> None:
        """Let a user have a credential of his own."""
        self.secrets[f"users/{user}/providers/{provider}"] = {"api_key": key}

    def provider(self, name: str = "p", latency_ms: int | None = 100, status: int | None = 200) -> Provider:
        if name not in self.providers:
            self.driver.declare([Declared(name)])
        provider = self.providers.setdefault(name, Provider())
        provider.latency_ms, provider.status = latency_ms, status
        return provider

    def submit(self, path: str = "/api/v2/providers?provider=p", instance: int = 0, **other: Any) -> int:  # noqa: ANN401 - of `Asked`
        ticket = next(self._tickets)
        method, credential, body = other.get("method", "GET"), other.get("credential", ANN), other.get("body", b"")
        self.driver.submit(Asked(ticket, instance, method, path, {}, credential, body))
        return ticket

    def run(self, duration_ms: int) -> None:
        for answered in self.driver.run(self.clock.ms + duration_ms):
            assert answered.ticket not in self.heard
            self.heard[answered.ticket] = answered

    def read(self, instance: int = 0, path: str = "/api/v2/providers?provider=p") -> Seen:
        """Ask, let time pass until it is answered, and no longer."""
        ticket, sent_ms = self.submit(path, instance), self.clock.ms
        self.run(0)
        while ticket not in self.heard:
            assert self.clock.ms <= sent_ms + DEADLINE_MS
            self.run(1)
        return self.seen(ticket, sent_ms)

    def seen(self, ticket: int, sent_ms: int = 0) -> Seen:
        answered = self.heard[ticket]
        body = json.loads(answered.body)
        warnings = [(w["provider"], w["code"]) for w in body.get("warnings", [])]
        prices = {item["provider"]: round(item["price_per_hour"] * 100) - 100 for item in body.get("items", [])}
        return Seen(
            answered.status,
            prices,
            warnings,
            answered.headers.get("cache-status", ""),
            answered.heard_ms - sent_ms,
            body,
        )

    def invalidate(self, provider: str = "p", instance: int = 0, credential: Mapping[str, Any] = OPERATOR) -> int:
        path, body = "/internal/v1/cache/invalidate", json.dumps({"provider": provider}).encode()
        ticket = self.submit(path, instance, method="POST", credential=credential, body=body)
        self.run(0)
        return self.heard[ticket].status

    def calls(self) -> Counter[str]:
        return Counter({name: len(provider.calls) for name, provider in self.providers.items()})


@dataclass(frozen=True)
class Seen:
    status: int
    serials: dict[str, int]
    """Which call of each provider the price is from."""
    warnings: list[tuple[str, str]]
    tiers: str
    took_ms: int
    body: dict[str, Any]
