"""What an instance weighs that holds tens of thousands of offers in its own memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.memory import weigh
from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Needs
from gatespec.errors import unable
from gatespec.ports import Request
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.memory import Weight
    from gatespec.stack.lane import Lane, Stack
    from gatespec.target import Target

PROVIDERS = 50
OFFERS_EACH = 1_000
OK = 200
SETTINGS: Mapping[str, str] = {"GATEWAY_RATE_FREE": "1000000", "GATEWAY_POLL_S": "0", "GATEWAY_HEALTH_INTERVAL_S": "0"}


@dataclass(frozen=True)
class Held:
    """One instance before it read anything, and when it held all of it."""

    offers: int
    empty: Weight
    full: Weight

    @property
    def bytes_per_offer(self) -> float:
        """Of resident memory; answers made of the offers are in it."""
        return (self.full.rss - self.empty.rss) / self.offers


def hold(target: Target, stack: Stack) -> Held:
    """Have one instance read every provider's list, a page of one offer each."""
    with stack.lane(target, settings=SETTINGS, instances=1, needs=Needs(providers=PROVIDERS, instances=1)) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        try:
            gateway.begin()
            names = gateway.fresh_providers(PROVIDERS)
            _stock(lane, names)
            empty, _ = weigh(lane.instances[0].pid)
            offers = sum(_read(gateway, name) for name in names)
            full, _ = weigh(lane.instances[0].pid)
        finally:
            gateway.close()
    if offers != PROVIDERS * OFFERS_EACH:
        raise unable("benchmark-unfit", f"the gateway shows {offers:,} offers of {PROVIDERS * OFFERS_EACH:,}")
    return Held(offers, empty, full)


def _stock(lane: Lane, names: Sequence[str]) -> None:
    items = {f"gpu_1x_h100_{number:04}": _item(number) for number in range(OFFERS_EACH)}
    if lane.simulators_url is None:
        raise AssertionError("a lane that was started here has simulated providers")
    control = ProvidersControl(lane.simulators_url)
    control.script(names, Script(serial_cents=None, items=items))


def _item(number: int) -> str:
    return json.dumps(
        {
            "instance_type": {
                "name": f"gpu_1x_h100_{number:04}",
                "description": "1x H100 (80 GB PCIe)",
                "gpu_description": "H100 (80 GB PCIe)",
                "price_cents_per_hour": 200 + number,
                "specs": {"vcpus": 26, "memory_gib": 200, "storage_gib": 1024, "gpus": 1},
            },
            "regions_with_capacity_available": [{"name": "us-west-1", "description": "California, USA"}],
        }
    )


def _read(gateway: HttpReadGateway, name: str) -> int:
    path = f"/api/v2/providers?provider={name}&limit=1"
    (answer,) = gateway.play([Request(gateway.fresh("ip", "free"), path=path)])
    if answer.status != OK:
        raise unable("benchmark-unfit", f"GET {path} was answered {answer.status}, which is not measured")
    return int(json.loads(answer.body)["total"])
