"""Lambda Cloud API v1 on the wire, after Lambda's OpenAPI 1.10.0; paths and words are spec/providers/lambda.toml's."""

from __future__ import annotations

import base64
import binascii
import json
import tomllib
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from gatespec.providers.catalogue import regions
from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.ledger import Kind

_IMAGES = (("ubuntu-22.04.5", "lambda-stack-22-04", "22.04.5"), ("ubuntu-24.04.2", "lambda-stack-24-04", "24.04.2"))
_IMAGE_TIMES = {"created_time": "2026-05-04T09:30:00Z", "updated_time": "2026-06-11T16:05:00Z"}
_NAMESPACE = uuid.UUID("5f0c3c0e-6a3c-4c53-8f5a-0f6b3f9c2d11")


@cache
def table() -> Mapping[str, Any]:
    """The hand-calculated table of the adapter."""
    return tomllib.loads((spec_dir() / "providers" / "lambda.toml").read_text(encoding="utf-8"))


def kind_of(method: str, path: str) -> Kind:
    """What a request is for the ledger."""
    kinds: dict[str, Kind] = {table()["list_path"]: "list", table()["probe_path"]: "probe"}
    return kinds.get(path, "other") if method == "GET" else "other"


def credential_of(authorization: str) -> str:
    """The key in an Authorization field, by any of the three forms of the API; empty where there is none."""
    scheme, _, rest = authorization.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    return _basic(rest) if scheme.lower() == "basic" else ""


def _basic(presented: str) -> str:
    try:
        user, colon, _ = base64.b64decode(presented, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return presented
    return user if colon else presented


def items(machines: Iterable[Machine], without_capacity: Iterable[str]) -> dict[str, str]:
    """Each machine as an item of the list, in JSON text, by its key."""
    closed = set(without_capacity)
    return {machine.name: json.dumps(_item(machine, closed)) for machine in machines}


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
