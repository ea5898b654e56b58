"""DigitalOcean API v2 on the wire; paths and words are spec/providers/digitalocean.toml's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, ClassVar

from gatespec.providers.tabled import TabledDialect
from gatespec.providers.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Asking
    from gatespec.providers.script import Script
    from gatespec.providers.tabled import Page
    from gatespec.providers.tables import Document

HOST = "https://api.digitalocean.com"
"""In the addresses of pages, wherever the API really is."""
MB_PER_GIB = 1024
PER_PAGE = 500
REQUESTS_PER_HOUR = 5000
ACCOUNT = {"account": {"droplet_limit": 25, "email": "development@example.invalid", "status": "active"}}


class DigitalOcean(TabledDialect):
    """Sizes, in numbered pages; each names the next by its whole address."""

    adapter: ClassVar = "digitalocean"
    series: ClassVar = "digitalocean/on-demand"

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """A size; its video memory is that of all cards."""
        del sold_out
        slug = f"gpu-{machine.gpu}x{machine.gpus}"
        size = {
            "slug": slug,
            "memory": machine.memory_gib * MB_PER_GIB,
            "vcpus": machine.vcpus,
            "disk": machine.storage_gib,
            "transfer": 15,
            "regions": list(regions),
            "available": True,
            "description": f"{machine.model['family']} GPU - {machine.gpus}X",
            "gpu_info": {
                "count": machine.gpus,
                "vram": {"amount": machine.model["memory_gb"] * machine.gpus, "unit": "gib"},
                "model": machine.model["name"],
            },
        }
        text = json.dumps(size)
        yield "sizes", slug, f'{text[:-1]}, "price_hourly": {machine.usd:f}}}'

    def page(self, document: Document, page: Page) -> bytes:
        """A page and the address of the next."""
        follows = f"{HOST}{document.path}?page={page.number + 2}&per_page={PER_PAGE}"
        links = {"pages": {"next": follows}} if page.number + 1 < page.pages else {}
        about = json.dumps({"links": links, "meta": {"total": page.total}})
        return f'{{"{document.where}":{page.array},{about[1:]}'.encode()

    def page_number(self, document: Document, asking: Asking) -> int:
        """Pages are counted from 1."""
        told = asking.query.get("page", "1")
        if not re.fullmatch(r"[1-9][0-9]{0,3}", told):
            raise ValueError(f"{told!r} is no page of {document.name}")
        return int(told) - 1

    def headers(self, script: Script, now_s: int) -> Mapping[str, str]:
        """How much of the hour's requests is left, and when the next hour begins."""
        names = table(self.adapter)["rate_headers"]
        left = REQUESTS_PER_HOUR - 1 if script.rate_left is None else script.rate_left
        return {
            names["limit"]: str(REQUESTS_PER_HOUR),
            names["remaining"]: str(left),
            names["reset"]: str(now_s + script.rate_resets_s),
        }

    def probe_body(self) -> bytes:
        """The account."""
        return json.dumps(ACCOUNT).encode()
