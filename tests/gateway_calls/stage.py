"""A judge in small for calls: providers with endpoints of which each does as it is told, and a ledger of requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from reference_gateway.conformance import Reference
from tests.gateway_reads.judge import ANN, LIST_PATH, Declared, Judge, Upstream, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_gateway.conformance.world import UpstreamRequest

WHERE = "http://upstream.invalid/"
EVERY_READ_CALLS = {"GATEWAY_TTL_PRICING_S": "0", "GATEWAY_RATE_ENTERPRISE": "1000000"}


@dataclass
class Endpoint:
    """How it answers from now on."""

    status: int | None = 200
    latency_ms: int | None = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    probe: int = 200


@dataclass(frozen=True)
class Seen:
    """One request."""

    at_ms: int
    instance: int
    provider: str
    endpoint: int
    kind: str


class Stage(Judge):
    """Reads with TTL 0 make one call each, one after the other."""

    def __init__(
        self,
        *,
        instances: int = 2,
        redis_url: str | None = None,
        kind: type[Reference] = Reference,
        **settings: str,
    ) -> None:
        super().__init__(instances=instances, redis_url=redis_url, kind=kind, **{**EVERY_READ_CALLS, **settings})
        self.endpoints: dict[str, list[Endpoint]] = {}
        self.ledger: list[Seen] = []
        self._users = count(1)

    def declare(self, name: str = "p", weights: tuple[float, ...] = (1,), **other: Any) -> list[Endpoint]:  # noqa: ANN401 - of `Declared`
        urls = tuple((f"{WHERE}{place}", weight) for place, weight in enumerate(weights))
        self.endpoints[name] = [Endpoint() for _ in weights]
        self.driver.declare([Declared(name, endpoints=urls, **other)])
        return self.endpoints[name]

    def _ask(self, instance: int, name: str, url: str, request: UpstreamRequest) -> Upstream:
        place = int(url.removeprefix(WHERE))
        kind = "list" if request.path.endswith(LIST_PATH) else "probe"
        self.ledger.append(Seen(self.clock.ms, instance, name, place, kind))
        endpoint = self.endpoints[name][place]
        if kind == "probe":
            return Upstream(0, 0, endpoint.probe, b"{}")
        return Upstream(
            0, endpoint.latency_ms, endpoint.status, listing(100 + len(self.listed(name))), endpoint.headers
        )

    def listed(self, name: str = "p") -> list[int]:
        """At which endpoints the list was asked for, in order."""
        return [seen.endpoint for seen in self.ledger if (seen.provider, seen.kind) == (name, "list")]

    def probed(self, name: str = "p") -> list[Seen]:
        return [seen for seen in self.ledger if (seen.provider, seen.kind) == (name, "probe")]

    def reads(self, times: int, instance: int = 0) -> Counter[int]:
        """Read so often, and count the list requests of it by endpoint."""
        before = len(self.listed())
        for _ in range(times):
            self.read(instance)
        return Counter(self.listed()[before:])

    def health(self, instance: int = 0) -> dict[str, Any]:
        body = self.read(instance, "/api/v2/providers/health").body
        return {each["name"]: each for each in body["providers"]}

    def breaker(self, name: str = "p", instance: int = 0) -> str:
        return str(self.health(instance)[name]["breaker"])

    def at_once(self, users: int, instance: int = 0) -> list[int]:
        """Let so many users with credentials of their own read at once: each reads a key of his own."""
        names = [f"u{next(self._users)}" for _ in range(users)]
        for name in names:
            self.give(name)
        return [self.submit(instance=instance, credential={**ANN, "name": name}) for name in names]
