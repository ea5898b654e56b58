"""Records of drills as a right gateway would leave them, and the hands that spoil them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue
from gatespec.drills.claim import PROBLEM
from gatespec.drills.drill import SHORT
from gatespec.drills.room_claims import RSS
from gatespec.drills.schedule import HEALTH, INTEGRATIONS, JSON, KEYS, READY
from gatespec.history import Context, Example
from gatespec.ports import Exchange, Identity, Request, Span
from gatespec.read_ports import Disturbance, Sample, UpstreamCall

if TYPE_CHECKING:
    from collections.abc import Callable

PROVIDER = "planted"
POLITE = Identity("user", "ann", "enterprise")
GREEDY = Identity("ip", "192.0.2.1", "free")
SETTINGS = {**load_catalogue().defaults(), **SHORT}
MIB = 2**20
FAULT_MS, HEALED_MS, END_MS = 10_000, 17_000, 29_000
PATH = f"/api/v2/providers?provider={PROVIDER}&limit=100"


def body(serial: int | None, warning: str = "") -> bytes:
    price = None if serial is None else (100 + serial) / 100
    items = [] if price is None else [{"provider": PROVIDER, "price_per_hour": price}]
    told = [{"code": warning, "provider": PROVIDER, "detail": "", "as_of": None}] if warning else []
    return json.dumps({"items": items, "warnings": told}).encode()


def read(  # noqa: PLR0913 - each planted mistake changes another of them
    at_ms: int,
    serial: int | None,
    *,
    who: Identity = POLITE,
    instance: int = 0,
    status: int = 200,
    warning: str = "",
    took: int = 5,
) -> Exchange:
    answered = body(serial, warning) if status == 200 else b""
    return Exchange(Request(who, instance, path=PATH), Span(at_ms, at_ms + took), status, {}, answered)


def write(at_ms: int, status: int, **headers: str) -> Exchange:
    asked = Request(Identity("user", "bob", "enterprise"), 0, "POST", INTEGRATIONS, JSON)
    return Exchange(asked, Span(at_ms, at_ms + 5), status, headers)


def waits(exchange: Exchange) -> Exchange:
    """The same as it is refused where it is refused well."""
    return replace(exchange, status=503, headers={"retry-after": "1", "content-type": PROBLEM})


def keys(at_ms: int, status: int = 200) -> Exchange:
    return Exchange(Request(Identity("user", "bob", "enterprise"), 0, path=KEYS), Span(at_ms, at_ms + 5), status)


def health(at_ms: int, status: str = "ok", **dependencies: str) -> Exchange:
    told = json.dumps({"status": status, "dependencies": {name: s for name, s in dependencies.items() if s}})
    return Exchange(Request(POLITE, 0, path=HEALTH), Span(at_ms, at_ms + 5), 200, {}, told.encode())


def ready(at_ms: int, status: int = 200) -> Exchange:
    return Exchange(Request(POLITE, 0, path=READY), Span(at_ms, at_ms + 5), status)


def call(serial: int, began_ms: int, took_ms: int = 10) -> UpstreamCall:
    return UpstreamCall(PROVIDER, serial, began_ms, began_ms + took_ms, "ok")


def planted(what: str = "store") -> Example:
    """A call each second; both instances read its price 200 ms later; a greedy caller is refused once."""
    context = Context("planted", "wire", "http", 2, SETTINGS, bodies=True)
    example = Example(context, 1, story=[("drills", {"seed": 0})])
    for serial, at in enumerate(range(1_000, END_MS, 1_000), 1):
        example.calls.append(call(serial, at))
        example.exchanges += [read(at + 200, serial), read(at + 300, serial, instance=1)]
    example.exchanges.append(read(END_MS, None, who=GREEDY, status=429))
    example.disturbances = [
        Disturbance(what, "", "refusing", FAULT_MS, FAULT_MS + 10),
        Disturbance(what, "", "well", HEALED_MS, HEALED_MS + 10, 3),
    ]
    example.samples = [Sample(RSS, n, at, 200 * MIB) for at in range(1_000, END_MS, 1_000) for n in (0, 1)]
    return example


def with_exchanges(example: Example, *more: Exchange) -> Example:
    told = sorted([*example.exchanges, *more], key=lambda exchange: exchange.span.sent_ms)
    return replace(example, exchanges=told)


def changed(example: Example, change: Callable[[Exchange], Exchange], from_ms: int, to_ms: int) -> Example:
    told = [change(e) if from_ms <= e.span.sent_ms < to_ms else e for e in example.exchanges]
    return replace(example, exchanges=told)
