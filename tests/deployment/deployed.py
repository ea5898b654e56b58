"""What the deployment files say, as data: rendered manifests, the compose file, Dockerfiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
K8S, DOCKER = ROOT / "k8s", ROOT / "docker"
OVERLAYS = ("production", "small")
RENDER_S = 60
OF_OPERATORS = {"ExternalSecret"}
"""Kinds that a cluster has from an operator; Kubernetes' own schemas do not know them."""
Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Every object of an overlay, as it would be applied."""
    for program in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if path := shutil.which(program[0]):
            argv = [path, program[1], str(K8S / "overlays" / overlay)]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=RENDER_S, check=False)
            assert done.returncode == 0, done.stderr
            return tuple(yaml.safe_load_all(done.stdout))
    raise RuntimeError("manifests cannot be rendered: install kubectl (1.32 or newer) or kustomize (5.5 or newer)")


def of_kind(overlay: str, *kinds: str) -> Iterator[Manifest]:
    return (each for each in rendered(overlay) if each["kind"] in kinds)


def one(overlay: str, kind: str, name: str) -> Manifest:
    (found,) = (each for each in of_kind(overlay, kind) if each["metadata"]["name"] == name)
    return found


def pods(overlay: str) -> dict[str, Manifest]:
    """The pod template of each workload, by its name."""
    return {each["metadata"]["name"]: each["spec"]["template"] for each in of_kind(overlay, "StatefulSet", "Job")}


def containers(template: Manifest) -> list[Manifest]:
    found: list[Manifest] = [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]
    return found


def settings_of(overlay: str) -> dict[str, str]:
    """What the gateway's ConfigMap gives it."""
    (found,) = (
        each for each in of_kind(overlay, "ConfigMap") if each["metadata"]["name"].startswith("gateway-settings")
    )
    data: dict[str, str] = found["data"]
    return data


@cache
def composed() -> Manifest:
    found: Manifest = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def image_of(service: Manifest) -> str:
    """The image that a service has where nobody names another."""
    return re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", service["image"])


def dockerfile(folder: str) -> str:
    return (DOCKER / folder / "Dockerfile").read_text(encoding="utf-8")


def offline_images() -> dict[str, str]:
    """Names that `docker/offline-base.sh` makes, and the folder that each is made from."""
    script = (DOCKER / "offline-base.sh").read_text(encoding="utf-8")
    block = script.partition("IMAGES=(")[2].partition(")")[0]
    return dict(line.strip().split("=") for line in block.splitlines() if line.strip())
