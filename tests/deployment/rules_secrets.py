"""No manifest holds a secret, and each that is asked for is made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.deployment.manifests import Manifests, of_kind, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN$|AUTH|ROLE_ID|PRIVATE|(DATABASE|REDIS|SMTP)_URL$", re.IGNORECASE)
HARMLESS = re.compile(r"_FILE$|^POSTGRES_INITDB_ARGS$")
SECRET_TEXT = re.compile(r"://[^/\s]*:[^/\s{]*@|-----BEGIN|requirepass|masterauth|\bhvs\.")
NAMESPACE = "gatespec"


def no_literals(manifests: Manifests) -> list[str]:
    """Nothing that is secret by its name, or looks secret, stands in a manifest; there are no Secrets at all."""
    found = [one["metadata"]["name"] for one in of_kind(manifests, "Secret")]
    for where, name, value in _values(manifests):
        by_name = SECRET_NAME.search(name) and not HARMLESS.search(name)
        if value and (by_name or SECRET_TEXT.search(re.sub(r"(?m)^\s*#.*$", "", value))):
            found.append(f"{where}: {name}")
    return found


def _values(manifests: Manifests) -> Iterator[tuple[str, str, str]]:
    for one in of_kind(manifests, "ConfigMap"):
        yield from ((one["metadata"]["name"], name, value) for name, value in one["data"].items())
    for work in workloads(manifests):
        for container in work.containers:
            yield from ((work.name, v["name"], str(v.get("value", ""))) for v in container.get("env", []))
            yield from ((work.name, "args", str(word)) for word in container.get("args", []))


def all_from_the_operator(manifests: Manifests) -> list[str]:
    """What the operator makes is made of what it reads: a line without a reading would be a literal."""
    templates = [(one["metadata"]["name"], _template(one)) for one in of_kind(manifests, "ExternalSecret")]
    return [f"{name}: {key}" for name, data in templates for key, value in data.items() if not _is_read(value)]


def _is_read(value: str) -> bool:
    return "{{" in value and not re.search(r"://[^/\s]*:[^/\s{]+@", value)


def _template(one: dict[str, Any]) -> dict[str, str]:
    return dict(one["spec"]["target"].get("template", {}).get("data", {}))


def asked_for(manifests: Manifests) -> set[tuple[str, str]]:
    """Every key of every Secret that a pod asks for; `*` where it takes the whole."""
    found = set()
    for one in workloads(manifests):
        for volume in one.pod.get("volumes", []):
            if secret := volume.get("secret"):
                found |= {(secret["secretName"], item["key"]) for item in secret.get("items", [{"key": "*"}])}
        for variable in (variable for container in one.containers for variable in container.get("env", [])):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                found.add((reference["name"], reference["key"]))
    return found


def not_made(manifests: Manifests, made: dict[str, dict[str, str]]) -> list[str]:
    """What a pod asks for and nobody makes, or is made and nobody asks for."""
    asked = asked_for(manifests)
    missing = [f"{name}/{key}" for name, key in asked if name not in made or (key != "*" and key not in made[name])]
    return sorted(missing + [name for name in made if name not in {name for name, _ in asked}])


def in_one_namespace(manifests: Manifests) -> list[str]:
    """Everything is in the namespace that is there for it, which takes restricted pods alone."""
    (space,) = of_kind(manifests, "Namespace")
    modes = {
        mode: space["metadata"]["labels"].get(f"pod-security.kubernetes.io/{mode}") for mode in ("enforce", "warn")
    }
    elsewhere = [
        f"{one['kind']} {one['metadata']['name']}"
        for one in manifests
        if one is not space and one["metadata"].get("namespace") != NAMESPACE
    ]
    return (
        elsewhere if set(modes.values()) == {"restricted"} and space["metadata"]["name"] == NAMESPACE else ["namespace"]
    )
