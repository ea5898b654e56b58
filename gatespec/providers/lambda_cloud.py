"""Lambda Cloud API v1 on the wire, after Lambda's OpenAPI 1.10.0; paths and words are spec/providers/lambda.toml's."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from typing import TYPE_CHECKING, Any

from gatespec.providers import tables
from gatespec.providers.catalogue import LAMBDA_SERIES, regions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Answer, Asking
    from gatespec.providers.ledger import Kind
    from gatespec.providers.script import Script
    from gatespec.providers.simulator import Provider

_IMAGES = (("ubuntu-22.04.5", "lambda-stack-22-04", "22.04.5"), ("ubuntu-24.04.2", "lambda-stack-24-04", "24.04.2"))
_IMAGE_TIMES = {"created_time": "2026-05-04T09:30:00Z", "updated_time": "2026-06-11T16:05:00Z"}
_NAMESPACE = uuid.UUID("5f0c3c0e-6a3c-4c53-8f5a-0f6b3f9c2d11")


def table() -> Mapping[str, Any]:
    """The hand-calculated table of the adapter."""
    return tables.table("lambda")


LIST = "instance-types"
"""The one document."""


class LambdaCloud:
    """The dialect of Lambda Cloud."""

    series = LAMBDA_SERIES
    paged = False
    one_request = True
    sells_tokens = False
    one_price_per_gpu = False

    def development_credential(self) -> Mapping[str, str]:
        """One key."""
        return {"api_key": table()["development_credential"]}

    def kind_of(self, asking: Asking) -> Kind:
        """What a request is for the ledger."""
        kinds: dict[str, Kind] = {table()["list_path"]: "list", table()["probe_path"]: "probe"}
        return kinds.get(asking.path, "other") if asking.method == "GET" else "other"

    def credential_of(self, asking: Asking) -> str:
        """The key in the Authorization field, by any of the three forms of the API; empty where there is none."""
        scheme, _, rest = asking.headers.get("authorization", "").strip().partition(" ")
        rest = rest.strip()
        if scheme.lower() == "bearer":
            return rest
        return _basic(rest) if scheme.lower() == "basic" else ""

    def answer(self, provider: Provider, asking: Asking, serial: int) -> Answer:
        """What the API says when nothing is scripted to fail."""
        known = table()
        if not provider.accepts(self.credential_of(asking), known["development_credential"]):
            return refusal("unauthorized")
        if provider.script.inactive:
            return refusal("inactive")
        if asking.method == "GET" and asking.path == known["list_path"]:
            return 200, list_body(dict(provider.items(LIST, serial)))
        if asking.method == "GET" and asking.path == known["probe_path"]:
            return 200, images_body()
        if asking.method == "GET" and asking.path == known["regions_path"]:
            return 200, regions_body()
        return refusal("not_found")

    def items(self, machines: Iterable[Machine], closed: Iterable[str]) -> dict[str, dict[str, str]]:
        """Each machine as an item of the list, in JSON text, by its key."""
        without = set(closed)
        return {LIST: {machine.name: json.dumps(_item(machine, without)) for machine in machines}}

    def headers(self, script: Script, now_s: int) -> Mapping[str, str]:
        """Nothing: Lambda does not tell how much of its rate is left."""
        del script, now_s
        return {}

    def error(self, status: int) -> bytes:
        """The table's refusal with that status, else the envelope of an internal error."""
        names = (name for name, said in table()["error"].items() if said["status"] == status)
        if (name := next(names, None)) is not None:
            return refusal(name)[1]
        return error_body("global/internal-error", "An internal server error occurred.")

    def empty(self, asking: Asking) -> bytes:
        """A list of nothing, whatever is asked for: there is one document."""
        del asking
        return list_body({})


def _basic(presented: str) -> str:
    try:
        user, colon, _ = base64.b64decode(presented, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return presented
    return user if colon else presented


def list_body(items: Mapping[str, str]) -> bytes:
    """The whole list, each item byte for byte as given."""
    return ('{"data":{' + ",".join(f"{json.dumps(key)}:{text}" for key, text in items.items()) + "}}").encode()


def images_body() -> bytes:
    """Two images per region: what a probe reads."""
    return _enveloped([_image(*image, region=name) for name in regions() for image in _IMAGES])


def regions_body() -> bytes:
    """Every region, whether it has capacity or not."""
    return _enveloped([_region(name) for name in regions()])


def refusal(name: str) -> tuple[int, bytes]:
    """Status and body of a refusal that the table names: `unauthorized`, `inactive`, `not_found`."""
    said = table()["error"][name]
    return said["status"], error_body(said["code"], said["message"])


def error_body(code: str, message: str) -> bytes:
    """The API's error envelope."""
    return json.dumps({"error": {"code": code, "message": message, "suggestion": "This is a simulator."}}).encode()


def _item(machine: Machine, closed: set[str]) -> dict[str, Any]:
    return {
        "instance_type": {
            "name": machine.name,
            "description": f"{machine.gpus}x {machine.gpu_description}",
            "gpu_description": machine.gpu_description,
            "price_cents_per_hour": machine.cents,
            "specs": {
                "vcpus": machine.vcpus,
                "memory_gib": machine.memory_gib,
                "storage_gib": machine.storage_gib,
                "gpus": machine.gpus,
            },
        },
        "regions_with_capacity_available": [_region(name) for name in machine.regions if name not in closed],
    }


def _region(name: str) -> dict[str, str]:
    return {"name": name, "description": regions()[name]}


def _image(name: str, family: str, version: str, *, region: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(_NAMESPACE, f"{name} {region}")),
        **_IMAGE_TIMES,
        "name": name,
        "description": f"Lambda Stack on Ubuntu {version}",
        "family": family,
        "version": version,
        "architecture": "x86_64",
        "region": _region(region),
    }


def _enveloped(data: list[Any]) -> bytes:
    return json.dumps({"data": data}).encode()
