"""Vast.ai API v0 on the wire; paths and words are spec/providers/vastai.toml's."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar

from gatespec.providers.asks import BadFilter, chosen
from gatespec.providers.questions import question
from gatespec.providers.tabled import OK, Page, TabledDialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Answer, Asking
    from gatespec.providers.simulator import Provider
    from gatespec.providers.tables import Document

MB_PER_GIB = 1024
HOST_MB = 1000
"""Of `cpu_ram`: Vast counts the host's memory by thousands."""
DISK_GB = 1000
NUMBERS = 900_000_000
"""How many machines there may be: so many that two of a catalogue do not meet, and none above the table's bound."""


class VastAi(TabledDialect):
    """Asks of hosts, chosen by the filters of the question."""

    adapter: ClassVar = "vastai"
    series: ClassVar = "tensordock/on-demand"
    """The data has no series of Vast's own; TensorDock's hosts are of the same kind."""

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """An ask per region: a host of its own with a free disk, so that its whole price is the data's."""
        del sold_out
        for region in regions:
            yield "bundles", f"{machine.name}@{region}", _ask(machine, region)

    def listed(self, provider: Provider, document: Document, asking: Asking, serial: int) -> Answer:
        """The asks that the question chooses. A whole list that is scripted may lie: it is served whatever is asked."""
        asks, lies = provider.items(document.name, serial), provider.script.items is not None
        try:
            shown = chosen([] if lies else asks, question(asking))
        except BadFilter:
            return self.refusal("bad_filter")
        return OK, self.page(document, Page(asks if lies else shown))

    def probe_body(self) -> bytes:
        """The account."""
        return b'{"id":1,"username":"development","can_pay":true}'


def _ask(machine: Machine, region: str) -> str:
    number = 1 + int.from_bytes(hashlib.sha256(f"{machine.name}@{region}".encode()).digest()[:8]) % NUMBERS
    shown: dict[str, Any] = {
        "id": number,
        "ask_contract_id": number,
        "machine_id": number,
        "host_id": 50_000 + machine.number,
        "num_gpus": machine.gpus,
        "gpu_name": machine.model["name"],
        "gpu_ram": machine.model["memory_gb"] * MB_PER_GIB,
        "gpu_total_ram": machine.model["memory_gb"] * MB_PER_GIB * machine.gpus,
        "gpu_frac": 1,
        "cpu_name": "EPYC 7763",
        "cpu_cores": machine.vcpus,
        "cpu_cores_effective": machine.vcpus,
        "cpu_ram": machine.memory_gib * HOST_MB,
        "disk_space": DISK_GB,
        "geolocation": region if ", " in region else f"Somewhere, {region}",
        "verification": "verified",
        "storage_cost": 0,
        "min_bid": None,
        "is_bid": False,
        "rentable": True,
        "rented": False,
        "end_date": None,
    }
    text = json.dumps(shown)
    return f'{text[:-1]}, "reliability2": 0.998, "dph_base": {machine.usd:f}, "dph_total": {machine.usd:f}}}'
