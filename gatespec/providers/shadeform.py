"""Shadeform API v1 on the wire; paths and words are spec/providers/shadeform.toml's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from gatespec.providers.tabled import TabledDialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatespec.providers.catalogue import Machine

CLOUD = "massedcompute"
"""Whose machines it sells here."""


class Shadeform(TabledDialect):
    """Types of many clouds in one list; prices are cents."""

    adapter: ClassVar = "shadeform"
    series: ClassVar = "massedcompute/on-demand"

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """A type, and of each region whether it can be had there just now."""
        name = f"{machine.gpu}x{machine.gpus}"
        told = {
            "cloud": CLOUD,
            "shade_instance_type": name,
            "cloud_instance_type": machine.name,
            "configuration": {
                "memory_in_gb": machine.memory_gib,
                "storage_in_gb": machine.storage_gib,
                "vcpus": machine.vcpus,
                "num_gpus": machine.gpus,
                "gpu_type": machine.model["name"],
                "interconnect": "",
                "vram_per_gpu_in_gb": machine.model["memory_gb"],
                "gpu_manufacturer": machine.maker.lower(),
                "nvlink": False,
                "os_options": ["ubuntu22.04_cuda12.4_shade_os"],
            },
            "hourly_price": machine.cents,
            "deployment_type": "vm",
            "availability": [_row(name, available=name in regions) for name in (*regions, *sold_out)],
            "boot_time": {"min_boot_in_sec": 180, "max_boot_in_sec": 300},
        }
        yield "types", f"{CLOUD}:{name}", json.dumps(told)

    def probe_body(self) -> bytes:
        """The account's keys: none."""
        return b'{"ssh_keys":[]}'


def _row(region: str, *, available: bool) -> dict[str, object]:
    return {"region": region, "available": available, "display_name": region}
