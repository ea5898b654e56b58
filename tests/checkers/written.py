"""Histories of the read path written by hand: times in ms, a TTL of 1000, a stale age of 10 s, a deadline of 800."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatespec.catalogue import load_catalogue
from gatespec.history import Context, Example
from gatespec.ports import Exchange, Identity, Request, Span
from gatespec.read_ports import SERIAL_BASE_CENTS, Disturbance, UpstreamCall

if TYPE_CHECKING:
    from gatespec.ports import Binding, Tier

SETTINGS = {
    **load_catalogue().defaults(),
    "GATEWAY_TTL_PRICING_S": "1",
    "GATEWAY_STALE_S": "10",
    "GATEWAY_DEADLINE_S": "0.8",
    "GATEWAY_UPSTREAM_TIMEOUT_S": "0.6",
    "GATEWAY_LEASE_S": "1",
}
READER = Identity("user", "reader", "enterprise")
AS_OF = "2026-11-25T12:00:00Z"


@dataclass
class Story:
    """What happened, in the order written; one provider, `a`, where no other is named."""

    tier: Tier = "component"
    binding: Binding = "pure"
    lag_ms: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    calls: list[UpstreamCall] = field(default_factory=list)
    disturbances: list[Disturbance] = field(default_factory=list)

    def call(self, began: int, ended: int | None, outcome: str = "ok", provider: str = "a") -> Story:
        serial = 1 + sum(call.provider == provider for call in self.calls)
        outcome = "in-flight" if ended is None else outcome
        self.calls.append(UpstreamCall(provider, serial, began, ended, outcome))
        return self

    def read(  # noqa: PLR0913 - one for each thing that an answer is
        self,
        sent: int,
        heard: int,
        shown: int | dict[str, int] | None = None,
        warning: str | dict[str, str] = "",
        *,
        status: int = 200,
        instance: int = 0,
        tiers: str = "",
        as_of: str | None = AS_OF,
        asked: str = "a",
        headers: dict[str, str] | None = None,
    ) -> Story:
        serials = {"a": shown} if isinstance(shown, int) else shown or {}
        warnings = {"a": warning} if isinstance(warning, str) and warning else warning or {}
        body: Any = {
            "items": [{"provider": n, "price_per_hour": (SERIAL_BASE_CENTS + s) / 100} for n, s in serials.items()],
            "warnings": [
                {"code": code, "provider": n, "detail": "d", "as_of": as_of if n in serials else None}
                for n, code in dict(warnings).items()
            ],
        }
        fields = {**({"cache-status": tiers} if tiers else {}), **(headers or {})}
        path = "/api/v2/providers?" + "&".join(f"provider={name}" for name in asked)
        request = Request(READER, instance, "GET", path)
        self.exchanges.append(Exchange(request, Span(sent, heard), status, fields, json.dumps(body).encode()))
        return self

    def done(self, what: str, whom: str, how: str, began: int, done: int | None = None) -> Story:
        self.disturbances.append(Disturbance(what, whom, how, began, began if done is None else done))
        return self

    @property
    def example(self) -> Example:
        context = Context("P01", self.tier, self.binding, 2, {**SETTINGS, **self.settings}, bodies=True)
        told = sorted(self.exchanges, key=lambda exchange: exchange.span.sent_ms)
        return Example(context, 1, told, [], self.calls, self.disturbances, self.lag_ms)
