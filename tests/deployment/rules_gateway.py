"""What the gateway is told, and asked for, is what the contract and its own code know."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Any

import yaml

from gatespec.catalogue import load_catalogue
from reference_gateway.edge.commands import _parser
from reference_gateway.edge.settings import SettingInvalid, Settings, load
from tests.deployment.manifests import Manifests, Workload, environment, of_kind, quantity, workload, workloads
from tests.repository.checkout import ROOT

KNOWN = load_catalogue().settings
IMAGE = "gatespec/gateway"
ANYWHERE = "0.0.0.0"  # noqa: S104 - in a pod, whose network is its own
PLACEHOLDERS = {
    "GATEWAY_DATABASE_URL": "postgresql://gateway:secret@postgres:5432/gateway",
    "GATEWAY_REDIS_URL": "redis+cluster://:secret@redis-0.redis:6379,redis-1.redis:6379",
    "GATEWAY_VAULT_ROLE_ID": "a-role",
    "GATEWAY_VAULT_SECRET_ID": "a-secret",
}
"""In place of what only the cluster's Secrets know."""
FAREWELL_S = 2.0
"""What the process may need after it has drained, beside granian's own bound."""
SERVING = ROOT / "reference_gateway" / "edge" / "serving.py"
"""Read, not imported: importing it configures Django."""


@cache
def served() -> dict[str, Any]:
    """The contract's paths."""
    return dict(yaml.safe_load((ROOT / "spec" / "openapi.yaml").read_text(encoding="utf-8"))["paths"])


def version() -> str:
    """The project's, which its image carries."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def stop_s() -> float:
    """How long granian may take to close its connections."""
    (found,) = re.findall(r"^STOP_S = ([0-9.]+)$", SERVING.read_text(encoding="utf-8"), re.MULTILINE)
    return float(found)


def gateways(manifests: Manifests) -> list[Workload]:
    """All that runs a command of the gateway."""
    return [one for one in workloads(manifests) if "reference_gateway" in one.containers[0].get("command", [])]


def known_settings(manifests: Manifests) -> list[str]:
    """Whatever a gateway is told is a setting of the contract."""
    return [
        f"{one.name}: {name}"
        for one in gateways(manifests)
        for name in environment(manifests, one)
        if name not in KNOWN
    ]


def required_settings(manifests: Manifests) -> list[str]:
    """The gateway is told every setting that it cannot do without."""
    told = environment(manifests, workload(manifests, "gateway"))
    return [name for name, setting in KNOWN.items() if setting.required and name not in told]


def accepted_settings(manifests: Manifests) -> list[str]:
    """The gateway would start with what it is told."""
    try:
        settings_of(manifests)
    except SettingInvalid as error:
        return [str(error)]
    return []


def settings_of(manifests: Manifests) -> Settings:
    """The settings as the gateway reads them, with a file where the pod has one."""
    told = environment(manifests, workload(manifests, "gateway"))
    with NamedTemporaryFile() as there:
        values = {name: PLACEHOLDERS.get(name, "") if value is None else value for name, value in told.items()}
        return load({name: there.name if name.endswith("_FILE") else value for name, value in values.items()})


def listening(manifests: Manifests) -> list[str]:
    """It listens where its port, its services and its probes are."""
    (container,) = workload(manifests, "gateway").containers
    told = environment(manifests, workload(manifests, "gateway"))["GATEWAY_LISTEN"]
    ports = [f"{ANYWHERE}:{port['containerPort']}" for port in container["ports"]]
    return [] if ports == [told] else [f"{told}, and ports {ports}"]


def asked_paths(manifests: Manifests) -> list[str]:
    """Probes and scrapes ask for what the contract serves, and each for what it is there for."""
    gateway = workload(manifests, "gateway")
    (container,) = gateway.containers
    asked = {word: container[f"{word}Probe"]["httpGet"]["path"] for word in ("startup", "liveness", "readiness")}
    notes = gateway.manifest["spec"]["template"]["metadata"]["annotations"]
    asked["scrape"] = notes["prometheus.io/path"]
    right = {"startup": "isLive", "liveness": "isLive", "readiness": "isReady", "scrape": "readMetrics"}
    said = {word: served().get(path, {}).get("get", {}).get("operationId") for word, path in asked.items()}
    ports = {str(port["containerPort"]) for port in container["ports"]}
    return [word for word in right if said[word] != right[word]] + sorted(ports ^ {notes["prometheus.io/port"]})


def given_time(manifests: Manifests) -> list[str]:
    """A pod is killed only after preStop, the whole time to drain, and the farewell of the process."""
    gateway = workload(manifests, "gateway")
    waits = gateway.containers[0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    need = waits + float(settings_of(manifests).drain_s) + stop_s() + FAREWELL_S
    has = gateway.pod["terminationGracePeriodSeconds"]
    return [] if waits > 0 and has >= need else [f"{has} s of grace, {waits} s before SIGTERM, {need} s needed"]


def spooling(manifests: Manifests) -> list[str]:
    """The spool's folder is a volume of the pod's own, with room for all that it may hold and more."""
    gateway = workload(manifests, "gateway")
    told = environment(manifests, gateway)
    mounts = {mount["mountPath"]: mount["name"] for mount in gateway.containers[0]["volumeMounts"]}
    claims = {one["metadata"]["name"]: one["spec"] for one in gateway.manifest["spec"].get("volumeClaimTemplates", [])}
    claim = claims.get(mounts.get(str(told.get("GATEWAY_SPOOL_DIR")), ""))
    most = int(told.get("GATEWAY_SPOOL_MAX_BYTES") or KNOWN["GATEWAY_SPOOL_MAX_BYTES"].default or 0)
    return [] if claim and quantity(claim["resources"]["requests"]["storage"]) > most else [str(claim)]


def key_files(manifests: Manifests) -> list[str]:
    """Each file that a setting names stands in a Secret that is mounted whole: a rotation must reach it."""
    gateway = workload(manifests, "gateway")
    secrets = {volume["name"] for volume in gateway.pod["volumes"] if "secret" in volume}
    whole = {
        m["mountPath"] for m in gateway.containers[0]["volumeMounts"] if m["name"] in secrets and "subPath" not in m
    }
    told = {name: value for name, value in environment(manifests, gateway).items() if name.endswith("_FILE")}
    return [name for name, value in told.items() if str(PurePosixPath(str(value)).parent) not in whole]


def understood(manifests: Manifests) -> list[str]:
    """The gateway's command line knows what it is started with."""
    known = _parser().format_help()
    words = [one.containers[0]["command"] for one in gateways(manifests)]
    return [str(said) for said in words if said[:3] != ["python", "-m", "reference_gateway"] or said[3] not in known]


def versioned(manifests: Manifests) -> list[str]:
    """The image is of this version, and each job that runs it is named after it: a job cannot be changed."""
    tags = {c["image"] for one in workloads(manifests) for c in one.containers if c["image"].startswith(IMAGE)}
    jobs = [one["metadata"]["name"] for one in of_kind(manifests, "Job")]
    ending = "-" + re.sub(r"[^a-z0-9]+", "-", version())
    return sorted(tags ^ {f"{IMAGE}:{version()}"}) + [name for name in jobs if not name.endswith(ending)]
