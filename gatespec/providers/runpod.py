"""RunPod's GraphQL API on the wire; paths and words are spec/providers/runpod.toml's.

A whole list is a discovery and then one question per cloud, place and count: a key of `prices` says which of them its
item answers, `secure/EU-RO-1/2/...` or `community/PL/1/...`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from gatespec.providers.questions import told
from gatespec.providers.tabled import OK, TabledDialect
from gatespec.providers.tables import regions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Answer, Asking
    from gatespec.providers.ledger import Kind
    from gatespec.providers.simulator import Provider
    from gatespec.providers.tables import Document

DISCOVERY = {"countryCodes": "country-codes", "dataCenters": "data-centers", "gpuTypes": "gpu-types"}
"""Field of the answer to its document."""
PRICES = "prices"
UNASKABLE = b'{"errors":[{"message":"Cannot query this field.","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}'


class RunPod(TabledDialect):
    """Errors come with status 200; the sweep takes many questions."""

    adapter: ClassVar = "runpod"
    series: ClassVar = "runpod/secure"

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """What is said of a GPU type where it is, and the rows of the discovery that lead there."""
        yield "gpu-types", f"type:{machine.spelling}", json.dumps(_type(machine))
        for center in (*regions, *sold_out):
            row = {"id": center, "name": center, "listed": True}
            yield "data-centers", f"center:{center}", json.dumps(row)
            key = f"secure/{center}/{machine.gpus}/{machine.spelling}"
            yield PRICES, key, _price(machine, in_stock=center in regions)

    def regions(self) -> Sequence[str]:
        """Data centres: the catalogue's machines are of the secure cloud, and countries have the community's alone."""
        return [name for name in regions_of(self.adapter) if "-" in name]

    def kind_of(self, asking: Asking) -> Kind:
        """The discovery begins a list call."""
        if self.is_probe(asking):
            return "probe"
        return "list" if _operation(asking) == "Discovery" and self.document_of(asking) else "other"

    def listed(self, provider: Provider, document: Document, asking: Asking, serial: int) -> Answer:
        """Answer a question; GraphQL's own errors come with status 200."""
        del document, serial
        if _operation(asking) == "Discovery":
            return OK, _data({field: provider.items(name) for field, name in DISCOVERY.items()})
        where = _where(told(asking).get("variables"))
        if _operation(asking) != "GpuTypes" or where is None:
            return OK, UNASKABLE
        return OK, _data({"gpuTypes": [each for each in provider.items(PRICES) if each[0].startswith(where)]})

    def items(self, machines: Iterable[Machine], closed: Iterable[str]) -> dict[str, dict[str, str]]:
        """As ever; where machines are rented, no country has any, for they are all of the secure cloud."""
        rented = list(machines)
        found = super().items(rented, closed)
        return {**found, "country-codes": {}} if rented else found

    def probe_body(self) -> bytes:
        """The account's pods: none."""
        return b"[]"

    def empty(self, asking: Asking) -> bytes:
        """A discovery of nothing, or no GPU type in a place."""
        return _data({"gpuTypes": ()} if _operation(asking) == "GpuTypes" else dict.fromkeys(DISCOVERY, ()))


def _data(fields: Mapping[str, Iterable[tuple[str, str]]]) -> bytes:
    shown = ",".join(f'"{field}":[{",".join(text for _, text in items)}]' for field, items in fields.items())
    return f'{{"data":{{{shown}}}}}'.encode()


def _operation(asking: Asking) -> object:
    return told(asking).get("operationName")


def _where(variables: object) -> str | None:
    """The beginning of the keys that answer these variables; None where they ask for no place and count."""
    asked = variables.get("lowestPriceInput") if isinstance(variables, dict) else None
    if not isinstance(asked, dict) or type(asked.get("gpuCount")) is not int:
        return None
    secure = asked.get("secureCloud")
    place = asked.get("dataCenterId" if secure is True else "countryCode")
    if type(secure) is not bool or not isinstance(place, str):
        return None
    return f"{'secure' if secure else 'community'}/{place}/{asked['gpuCount']}/"


def _type(machine: Machine) -> dict[str, object]:
    return {
        "id": machine.spelling,
        "displayName": machine.spelling,
        "memoryInGb": machine.model["memory_gb"],
        "maxGpuCount": 8,
        "maxGpuCountCommunityCloud": 0,
        "maxGpuCountSecureCloud": 8,
        "minPodGpuCount": 1,
        "secureCloud": True,
        "communityCloud": False,
        "manufacturer": {"NVIDIA": "Nvidia"}.get(machine.maker, machine.maker),
    }


def _price(machine: Machine, *, in_stock: bool) -> str:
    lowest = {
        "minimumBidPrice": None,
        "uninterruptablePrice": None,
        "minVcpu": machine.vcpus,
        "minMemory": machine.memory_gib,
        "stockStatus": "High" if in_stock else None,
        "compliance": None,
        "countryCode": None,
    }
    shown = {
        "id": machine.spelling,
        "displayName": machine.spelling,
        "memoryInGb": machine.model["memory_gb"],
        "communityPrice": None,
        "lowestPrice": lowest,
    }
    return f'{json.dumps(shown)[:-1]}, "securePrice": {machine.usd / machine.gpus:f}}}'
