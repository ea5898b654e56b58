"""Vultr API v2 on the wire; paths and words are spec/providers/vultr.toml's."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, ClassVar

from gatespec.providers.tabled import TabledDialect
from gatespec.providers.tables import regions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Asking
    from gatespec.providers.tabled import Page
    from gatespec.providers.tables import Document

MB_PER_GB = 1024


class Vultr(TabledDialect):
    """Plans of virtual machines and of metal, in pages that a cursor leads through."""

    adapter: ClassVar = "vultr"
    series: ClassVar = "vultr/on-demand"

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """A plan; its memory is the machine's, its video memory that of all cards."""
        del sold_out
        name = f"vcg-{machine.gpu}-{machine.gpus}g"
        plan = {
            "id": name,
            "vcpu_count": machine.vcpus,
            "ram": machine.memory_gib * MB_PER_GB,
            "disk": machine.storage_gib,
            "disk_count": 1,
            "bandwidth": 10240,
            "type": "vcg",
            "gpu_vram_gb": machine.model["memory_gb"] * machine.gpus,
            "gpu_type": machine.model["name"],
            "locations": list(regions),
        }
        text = json.dumps(plan)
        yield "plans", name, f'{text[:-1]}, "hourly_cost": {machine.usd:f}}}'

    def page(self, document: Document, page: Page) -> bytes:
        """A page with the cursors of its neighbours."""
        links = {
            "next": _cursor(document, page.number + 1) if page.number + 1 < page.pages else "",
            "prev": _cursor(document, page.number - 1) if page.number else "",
        }
        meta = json.dumps({"total": page.total, "links": links})
        return f'{{"{document.where}":{page.array},"meta":{meta}}}'.encode()

    def page_number(self, document: Document, asking: Asking) -> int:
        """The page of a cursor that an answer has named; another document's is none."""
        cursor = asking.query.get("cursor", "")
        if not cursor:
            return 0
        named = re.fullmatch(r"[a-z-]+__([0-9]{1,4})", base64.urlsafe_b64decode(cursor).decode())
        if named is None or cursor != _cursor(document, int(named[1])):
            raise ValueError(f"{cursor!r} is no cursor of {document.name}")
        return int(named[1])

    def is_open(self, asking: Asking) -> bool:
        """Regions are public like the plans."""
        return super().is_open(asking) or self.is_probe(asking)

    def probe_body(self) -> bytes:
        """Its regions."""
        regions = [{"id": name, "options": ["ddos_protection"]} for name in regions_of(self.adapter)]
        return json.dumps(
            {"regions": regions, "meta": {"total": len(regions), "links": {"next": "", "prev": ""}}}
        ).encode()


def _cursor(document: Document, number: int) -> str:
    return base64.urlsafe_b64encode(f"{document.name}__{number}".encode()).decode()
