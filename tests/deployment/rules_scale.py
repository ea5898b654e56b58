"""How many there are, where they are, and what each of the others must then bear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_gateway.edge.database import CONNECTIONS_MAX
from tests.deployment.manifests import Manifests, config, of_kind, quantity, workload, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARE_CONNECTIONS = 20
"""For migrations, for people, and those that PostgreSQL reserves."""
PRIMARIES = REPLICAS = 3


def scaler(manifests: Manifests) -> dict[str, Any]:
    """The only autoscaler's spec."""
    (found,) = of_kind(manifests, "HorizontalPodAutoscaler")
    return dict(found["spec"])


def scaled(manifests: Manifests) -> list[str]:
    """The gateway's number is the autoscaler's alone, within bounds in order, by something that is requested."""
    found, gateway = scaler(manifests), workload(manifests, "gateway")
    target = (found["scaleTargetRef"]["kind"], found["scaleTargetRef"]["name"])
    asked = {metric["resource"]["name"] for metric in found["metrics"]}
    wrong = {
        "target": target != (gateway.kind, gateway.name),
        "order": not 1 <= found["minReplicas"] <= found["maxReplicas"],
        "replicas": "replicas" in gateway.manifest["spec"],
        "measure": not asked <= set(gateway.containers[0]["resources"]["requests"]),
    }
    return [word for word, is_so in wrong.items() if is_so]


def ten_to_a_thousand(manifests: Manifests) -> list[str]:
    """In production there are 10 to 1000 gateways."""
    found = scaler(manifests)
    bounds = (found["minReplicas"], found["maxReplicas"])
    return [] if bounds == (10, 1000) else [str(bounds)]


def replicated(manifests: Manifests) -> Iterator[str]:
    """The StatefulSets of which there are several."""
    targets = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind(manifests, "HorizontalPodAutoscaler")}
    for one in of_kind(manifests, "StatefulSet"):
        if one["metadata"]["name"] in targets or one["spec"].get("replicas", 1) > 1:
            yield one["metadata"]["name"]


def disrupted(manifests: Manifests) -> list[str]:
    """Of whatever there are several, some may be evicted and not all; where there is one, no budget holds its node."""
    budgets = {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: one["spec"] for one in _budgets(manifests)
    }
    wrong = set(budgets) ^ set(replicated(manifests))
    wrong |= {name for name, spec in budgets.items() if str(spec.get("maxUnavailable")) not in {"1", "10%"}}
    return sorted(wrong)


def _budgets(manifests: Manifests) -> Manifests:
    return of_kind(manifests, "PodDisruptionBudget")


def spread(manifests: Manifests) -> list[str]:
    """Of whatever there are several, zones have their share; the pods that are counted are its own."""
    return [name for name in replicated(manifests) if not _is_spread(manifests, name)]


def _is_spread(manifests: Manifests, name: str) -> bool:
    one = workload(manifests, name)
    rules = one.pod.get("topologySpreadConstraints", [])
    selector = one.manifest["spec"]["selector"]
    counted = all(rule["labelSelector"] == selector for rule in rules)
    return counted and "topology.kubernetes.io/zone" in {rule["topologyKey"] for rule in rules}


def selected(manifests: Manifests) -> list[str]:
    """A StatefulSet selects its own pods and nobody else's; a service finds some, under ports that they have."""
    found = []
    for one in workloads(manifests):
        if one.kind == "StatefulSet":
            same = [pod.name for pod in workloads(manifests) if pod.app == one.app]
            wanted = one.manifest["spec"]["selector"]["matchLabels"]
            found += [] if wanted.items() <= one.labels.items() and same == [one.name] else [one.name]
    return found + [one["metadata"]["name"] for one in of_kind(manifests, "Service") if not _finds(manifests, one)]


def _finds(manifests: Manifests, service: dict[str, Any]) -> bool:
    wanted = service["spec"]["selector"].items()
    found = [one for one in workloads(manifests) if wanted <= one.labels.items()]
    ports = {
        port["name"]: port["containerPort"] for one in found for c in one.containers for port in c.get("ports", [])
    }
    return bool(found) and all(ports.get(port["targetPort"]) == port["port"] for port in service["spec"]["ports"])


def governed(manifests: Manifests) -> list[str]:
    """A StatefulSet's service exists, has no address of its own and finds its pods: it gives each a name."""
    services = {one["metadata"]["name"]: one["spec"] for one in of_kind(manifests, "Service")}
    sets = of_kind(manifests, "StatefulSet")
    return [
        one["metadata"]["name"]
        for one in sets
        if services.get(one["spec"]["serviceName"], {}).get("clusterIP") != "None"
        or services[one["spec"]["serviceName"]]["selector"] != one["spec"]["selector"]["matchLabels"]
    ]


def one_postgres(manifests: Manifests) -> list[str]:
    """PostgreSQL has one replica, and says so."""
    (found,) = [one for one in of_kind(manifests, "StatefulSet") if one["metadata"]["name"] == "postgres"]
    says = found["metadata"].get("annotations", {}).get("gatespec/replicas", "")
    return [] if found["spec"]["replicas"] == 1 and says.startswith("one, without standby") else [says]


def six_redis(manifests: Manifests) -> list[str]:
    """Redis has three primaries and three replicas, and whoever joins them knows all six."""
    replicas = workload(manifests, "redis").manifest["spec"]["replicas"]
    names = [f"redis-{number}.redis" for number in range(replicas)]
    joiners = [one for one in workloads(manifests) if one.app == "redis-join"]
    wrong = [one.name for one in joiners if one.containers[0]["args"] != names]
    return wrong if replicas == PRIMARIES + REPLICAS and len(joiners) == 2 else [str(replicas), *wrong]


def connected(manifests: Manifests) -> list[str]:
    """PostgreSQL has a connection for every one that the most gateways may open."""
    lines = dict(
        line.split(" = ")
        for line in config(manifests, "postgres-config")["postgresql.conf"].splitlines()
        if " = " in line
    )
    need = scaler(manifests)["maxReplicas"] * CONNECTIONS_MAX + SPARE_CONNECTIONS
    return [] if int(lines["max_connections"]) >= need else [f"{lines['max_connections']} < {need}"]


def in_memory(manifests: Manifests) -> list[str]:
    """Redis stops growing before its container is killed: while it saves it may need half as much again."""
    redis = workload(manifests, "redis").containers[0]
    (line,) = [
        row for row in config(manifests, "redis-config")["redis.conf"].splitlines() if row.startswith("maxmemory ")
    ]
    said = redis["args"][redis["args"].index("--maxmemory") + 1] if "--maxmemory" in redis["args"] else line.split()[1]
    most = quantity(said.replace("gb", "Gi").replace("mb", "Mi"))
    return [] if 1.5 * most <= quantity(redis["resources"]["limits"]["memory"]) else [said]
