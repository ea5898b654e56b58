"""Hyperstack's Infrahub API v1 on the wire; paths and words are spec/providers/hyperstack.toml's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from gatespec.providers.tabled import TabledDialect
from gatespec.providers.tables import regions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.tabled import Page
    from gatespec.providers.tables import Document

DISK_GB = 100
"""Of a flavor, beside what is ephemeral."""


class Hyperstack(TabledDialect):
    """Flavors in groups of a GPU and a region, and the price book beside them."""

    adapter: ClassVar = "hyperstack"
    series: ClassVar = "hyperstack/on-demand"
    one_price_per_gpu: ClassVar = True

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """A flavor per region, and its GPU's row of the price book: USD per GPU, in text."""
        name = f"n3-{machine.spelling}x{machine.gpus}"
        for region in (*regions, *sold_out):
            flavor = _flavor(machine, name, region, in_stock=region in regions)
            yield "flavors", f"{name}@{region}", json.dumps(flavor)
        usd = f"{machine.usd / machine.gpus:f}"
        row = {"id": machine.number, "name": machine.spelling, "value": usd, "original_value": usd}
        yield "pricebook", f"price:{machine.spelling}", json.dumps(row)

    def page(self, document: Document, page: Page) -> bytes:
        """Each flavor in a group of its own GPU and region."""
        if document.name != "flavors":
            return super().page(document, page)
        groups = ",".join(_group(text) for _, text in page.items)
        return f'{{"status":true,"message":"Getting flavors successful","{document.where}":[{groups}]}}'.encode()

    def probe_body(self) -> bytes:
        """Its regions."""
        regions = [{"id": number, "name": name} for number, name in enumerate(regions_of(self.adapter), 1)]
        return json.dumps({"status": True, "message": "Getting regions successful", "regions": regions}).encode()


def _flavor(machine: Machine, name: str, region: str, *, in_stock: bool) -> dict[str, object]:
    return {
        "id": machine.number,
        "name": name,
        "display_name": None,
        "region_name": region,
        "cpu": machine.vcpus,
        "ram": machine.memory_gib,
        "disk": DISK_GB,
        "ephemeral": machine.storage_gib - DISK_GB,
        "gpu": machine.spelling,
        "gpu_count": machine.gpus,
        "stock_available": in_stock,
        "labels": [],
        "features": {},
    }


def _group(flavor: str) -> str:
    """A flavor that is no object still stands in a group."""
    read = json.loads(flavor, parse_float=str, parse_int=str)  # a number of 5000 digits is no reason to fail
    told = read if isinstance(read, dict) else {}
    about = json.dumps({name: told.get(name) for name in ("gpu", "region_name")})
    return f'{about[:-1]},"flavors":[{flavor}]}}'
