"""The manifests as tests read them: pods, what a container is told, what Secrets it is given."""

from __future__ import annotations

import base64
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from k8s.check.rendered import K8S, Manifest, overlay

if TYPE_CHECKING:
    from collections.abc import Iterator

Manifests = list[Manifest]

SECRETS_S = 60
UNITS = {"m": 0.001, "": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
NAME = "app.kubernetes.io/name"


@cache
def rendered(name: str) -> Manifests:
    """An overlay, rendered once; nobody changes it."""
    return overlay(name)


def of_kind(manifests: Manifests, *kinds: str) -> Manifests:
    """All of these kinds."""
    return [one for one in manifests if one["kind"] in kinds]


@dataclass(frozen=True)
class Workload:
    """What makes pods, and the pod that it makes."""

    kind: str
    name: str
    manifest: Manifest
    labels: dict[str, str]
    pod: dict[str, Any]

    @property
    def app(self) -> str:
        """What its pods are called in selectors."""
        return self.labels[NAME]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All of them, those that run first too."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]


def workloads(manifests: Manifests) -> list[Workload]:
    """Everything that makes pods."""
    found = of_kind(manifests, "StatefulSet", "Deployment", "DaemonSet", "Job", "CronJob")
    return [_workload(one) for one in found]


def _workload(one: Manifest) -> Workload:
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    template = spec["template"]
    return Workload(one["kind"], one["metadata"]["name"], one, template["metadata"]["labels"], template["spec"])


def workload(manifests: Manifests, name: str) -> Workload:
    """The one of this name."""
    (found,) = [one for one in workloads(manifests) if one.name == name]
    return found


def config(manifests: Manifests, name: str) -> dict[str, str]:
    """What a ConfigMap holds; the digest at the end of its name is left out."""
    (found,) = [one for one in of_kind(manifests, "ConfigMap") if one["metadata"]["name"].startswith(name)]
    return dict(found["data"])


def environment(manifests: Manifests, one: Workload) -> dict[str, str | None]:
    """What its first container is told; None where only a Secret, or the cluster, knows the value."""
    container = one.pod["containers"][0]
    told: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        told |= config(manifests, source["configMapRef"]["name"])
    return told | {variable["name"]: variable.get("value") for variable in container.get("env", [])}


def quantity(text: str | int) -> float:
    """A number of cores or bytes."""
    digits = str(text).rstrip("mKMGTi")
    return float(digits) * UNITS[str(text)[len(digits) :]]


def made_secrets(name: str) -> dict[str, dict[str, str]]:
    """Every Secret that an overlay brings, by the operator or by its script: its keys, and what stands in each."""
    by_operator = {one["spec"]["target"]["name"]: _templated(one) for one in of_kind(rendered(name), "ExternalSecret")}
    script = K8S / "overlays" / name / "secrets.sh"
    return by_operator | (printed_secrets(name) if script.is_file() else {})


def _templated(one: Manifest) -> dict[str, str]:
    asked = {row["secretKey"]: f"{{{{ .{row['secretKey']} }}}}" for row in one["spec"]["data"]}
    return dict(one["spec"]["target"].get("template", {}).get("data", asked))


@cache
def printed_secrets(name: str) -> dict[str, dict[str, str]]:
    """What the script of an overlay prints, decoded."""
    env = {**os.environ, "GATEWAY_VAULT_ROLE_ID": "a-role", "GATEWAY_VAULT_SECRET_ID": "a-secret"}
    script = str(K8S / "overlays" / name / "secrets.sh")
    done = subprocess.run([script], env=env, capture_output=True, text=True, timeout=SECRETS_S, check=True)
    return {
        one["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
        for one in yaml.safe_load_all(done.stdout)
    }


def images(manifests: Manifests) -> Iterator[str]:
    """Every image that is run."""
    for one in workloads(manifests):
        for container in one.containers:
            yield container["image"]
