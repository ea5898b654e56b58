"""What compose file and Dockerfiles say, as data."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from tests.repository.checkout import ROOT

DOCKER = ROOT / "docker"
Service = dict[str, Any]


@cache
def composed() -> Service:
    found: Service = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def image_of(service: Service) -> str:
    """The image that a service has where nobody names another."""
    return re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", service["image"])


def dockerfile(folder: str) -> str:
    return (DOCKER / folder / "Dockerfile").read_text(encoding="utf-8")


def offline_images() -> dict[str, str]:
    """Names that `docker/offline-base.sh` makes, and the folder that each is made from."""
    script = (DOCKER / "offline-base.sh").read_text(encoding="utf-8")
    block = script.partition("IMAGES=(")[2].partition(")")[0]
    return dict(line.strip().split("=") for line in block.splitlines() if line.strip())
