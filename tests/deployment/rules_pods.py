"""What each pod of ours is, and is not: every rule names what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.deployment.manifests import Manifests, of_kind, quantity, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

UIDS = {"gatespec/gateway": 10001, "postgres": 999, "redis": 999}
"""Whom each image runs as; its files belong to that user."""
HOSTS_OWN = ("hostNetwork", "hostPID", "hostIPC")
CONFINED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def containers(manifests: Manifests) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each container with its pod, and where it is."""
    for one in workloads(manifests):
        for container in one.containers:
            yield f"{one.name}/{container['name']}", one.pod, container


def confined(manifests: Manifests) -> list[str]:
    """A container gains nothing, writes nothing of its image, and has no capability."""
    return [where for where, _, container in containers(manifests) if container.get("securityContext") != CONFINED]


def nobodies(manifests: Manifests) -> list[str]:
    """A pod runs as the user of its image, who is not root, behind the runtime's own filter of system calls."""
    found = []
    for where, pod, container in containers(manifests):
        own = pod.get("securityContext", {})
        uid = UIDS[container["image"].partition(":")[0]]
        right = [own.get("runAsUser"), own.get("runAsGroup"), own.get("fsGroup")] == [uid] * 3
        if not (right and own.get("runAsNonRoot") is True and own.get("seccompProfile") == {"type": "RuntimeDefault"}):
            found.append(where)
    return found


def apart_from_the_host(manifests: Manifests) -> list[str]:
    """No pod has anything of its node's."""
    pods = [(one.name, one.pod) for one in workloads(manifests)]
    return [
        name
        for name, pod in pods
        if any(pod.get(word) for word in HOSTS_OWN) or any("hostPath" in volume for volume in pod.get("volumes", []))
    ]


def without_tokens(manifests: Manifests) -> list[str]:
    """A pod has an account of ours, and no token for the API; an account gives none either."""
    accounts = of_kind(manifests, "ServiceAccount")
    own = {one["metadata"]["name"] for one in accounts}
    giving = [one["metadata"]["name"] for one in accounts if one.get("automountServiceAccountToken") is not False]
    pods = [
        one.name
        for one in workloads(manifests)
        if one.pod.get("automountServiceAccountToken") is not False or one.pod.get("serviceAccountName") not in own
    ]
    return giving + pods


def without_links(manifests: Manifests) -> list[str]:
    """Services add no variables to a pod: ours would be named like settings."""
    return [one.name for one in workloads(manifests) if one.pod.get("enableServiceLinks") is not False]


def bounded(manifests: Manifests) -> list[str]:
    """A container says what it needs, and at most takes, of cores and memory; the one is not above the other."""
    return [where for where, _, container in containers(manifests) if not _is_bounded(container.get("resources", {}))]


def _is_bounded(resources: dict[str, Any]) -> bool:
    needs, most = resources.get("requests", {}), resources.get("limits", {})
    both = all(word in needs and word in most for word in ("cpu", "memory"))
    return both and all(quantity(needs[word]) <= quantity(most[word]) for word in needs)


def roomy(manifests: Manifests) -> list[str]:
    """As the image cannot be written, there is a `/tmp`, and every folder in memory or on the node has a bound."""
    found = []
    for where, pod, container in containers(manifests):
        folders = {volume["name"]: volume["emptyDir"] for volume in pod.get("volumes", []) if "emptyDir" in volume}
        mounted = {mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == "/tmp"}  # noqa: S108 - a pod's own
        if not mounted & set(folders) or not all("sizeLimit" in folder for folder in folders.values()):
            found.append(where)
    return found


def mounted(manifests: Manifests) -> list[str]:
    """Whatever is mounted is a volume or a claim of the pod."""
    found = []
    for one in workloads(manifests):
        claims = one.manifest["spec"].get("volumeClaimTemplates", [])
        there = {volume["name"] for volume in one.pod.get("volumes", [])} | {c["metadata"]["name"] for c in claims}
        asked = {mount["name"] for container in one.containers for mount in container["volumeMounts"]}
        found += [f"{one.name}: {name}" for name in sorted(asked ^ there)]
    return found


def probed(manifests: Manifests) -> list[str]:
    """What runs on is asked whether it started, lives and is ready; what is asked by port names one of its ports."""
    found = []
    for one in workloads(manifests):
        if one.kind == "StatefulSet":
            (container,) = one.containers
            probes = [container.get(f"{word}Probe") for word in ("startup", "liveness", "readiness")]
            names = {port["name"] for port in container["ports"]}
            if not all(probe and probe.get("httpGet", {}).get("port", next(iter(names))) in names for probe in probes):
                found.append(one.name)
    return found
