"""Where there is a compose file, it runs what the manifests run, under the same names, ports and settings."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gatespec.catalogue import load_catalogue
from tests.deployment import manifests
from tests.deployment.manifests import composed_environment, environment, rendered, workload
from tests.deployment.rules_gateway import ANYWHERE, served
from tests.deployment.test_manifests import IMAGES

KNOWN = load_catalogue().settings
SAME = ("GATEWAY_LISTEN",)
"""What a gateway in a container is told alike, whoever starts it."""


def gateways(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those that serve."""
    return {name: one for name, one in services.items() if "gateway" in str(one.get("image")) and "serve" in str(one)}


def other_images(services: dict[str, dict[str, Any]]) -> list[str]:
    """Images of the manifests that are run there with another tag."""
    named = {image.partition(":")[0]: image for image in IMAGES}
    run = [str(one["image"]) for one in services.values() if "image" in one]
    return [image for image in run if named.get(image.partition(":")[0], image) != image]


def other_settings(services: dict[str, dict[str, Any]]) -> list[str]:
    """Settings that the contract does not know, that are missing, or that differ from the manifests'."""
    told = environment(rendered("production"), workload(rendered("production"), "gateway"))
    found = []
    for name, one in gateways(services).items():
        has = composed_environment(one)
        found += [f"{name}: {word}" for word in has if word.startswith("GATEWAY_") and word not in KNOWN]
        found += [f"{name} lacks {word}" for word, setting in KNOWN.items() if setting.required and word not in has]
        found += [f"{name}: {word}" for word in SAME if has.get(word) != told[word]]
    return found


def other_paths(services: dict[str, dict[str, Any]]) -> list[str]:
    """Paths that a health check asks a gateway for, and that the contract does not serve."""
    asked = [
        path
        for one in gateways(services).values()
        for path in re.findall(r"/health[\w/]*", str(one.get("healthcheck")))
    ]
    return [path for path in asked if path not in served()]


def test_images_settings_and_health_checks_are_the_manifests() -> None:
    services = manifests.compose()
    assert other_images(services) == []
    assert other_settings(services) == []
    assert other_paths(services) == []


RIGHT = dict.fromkeys((name for name, setting in KNOWN.items() if setting.required), "x") | {
    "GATEWAY_LISTEN": f"{ANYWHERE}:8000"
}
GATEWAY: dict[str, Any] = {
    "image": "gatespec/gateway:0.1.0",
    "command": "python -m reference_gateway serve",
    "environment": RIGHT,
    "healthcheck": {"test": ["CMD", "curl", "http://127.0.0.1:8000/health/ready"]},
}


@pytest.mark.parametrize("written", [RIGHT, [f"{name}={value}" for name, value in RIGHT.items()]], ids=["map", "list"])
def test_a_compose_file_that_agrees_is_found_to(written: object) -> None:
    services: dict[str, dict[str, Any]] = {
        "gateway": {**GATEWAY, "environment": written},
        "redis": {"image": "redis:7.0-bookworm"},
    }
    assert (other_images(services), other_settings(services), other_paths(services)) == ([], [], [])


def test_each_disagreement_is_found() -> None:
    less = {name: value for name, value in RIGHT.items() if name != "GATEWAY_JWT_ISSUER"}
    told = {**less, "GATEWAY_LISTEN": f"{ANYWHERE}:9000", "GATEWAY_NEW": "1"}
    gateway = {**GATEWAY, "environment": told, "healthcheck": {"test": "curl http://127.0.0.1:8000/healthz"}}
    services: dict[str, dict[str, Any]] = {"gateway": gateway, "redis": {"image": "redis:latest"}}
    assert other_images(services) == ["redis:latest"]
    assert other_settings(services) == [
        "gateway: GATEWAY_NEW",
        "gateway lacks GATEWAY_JWT_ISSUER",
        "gateway: GATEWAY_LISTEN",
    ]
    assert other_paths(services) == ["/healthz"]
