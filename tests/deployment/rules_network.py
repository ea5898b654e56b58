"""Who may speak to whom: said on both sides, and nothing besides."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.deployment.manifests import NAME, Manifests, environment, of_kind, workload, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

Talk = tuple[str, str, int]
"""Who, to whom, on which port."""

NEEDED: set[Talk] = {
    ("gateway", "redis", 6379),
    ("gateway", "postgres", 5432),
    ("gateway-migrate", "postgres", 5432),
    ("redis", "redis", 6379),
    ("redis", "redis", 16379),
    ("redis-join", "redis", 6379),
}
PRIVATE = (
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "::1",
    "fd00::1",
    "fe80::1",
)
HTTPS = 443


def policies(manifests: Manifests) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Each policy and whose it is; None: everybody's."""
    for one in of_kind(manifests, "NetworkPolicy"):
        yield one["spec"]["podSelector"].get("matchLabels", {}).get(NAME), one["spec"]


def denied(manifests: Manifests) -> list[str]:
    """Whatever no policy allows is refused, both ways."""
    found = [
        spec for own, spec in policies(manifests) if own is None and not (spec.get("ingress") or spec.get("egress"))
    ]
    return [] if [sorted(spec["policyTypes"]) for spec in found] == [["Egress", "Ingress"]] else ["no default deny"]


def said_on_both_sides(manifests: Manifests) -> list[str]:
    """Pods may speak as they need to: who speaks says so, and who is spoken to; nobody says more."""
    out, into = set(_talks(manifests, "egress", "to")), set(_talks(manifests, "ingress", "from"))
    heard = {(who, whom, port) for whom, who, port in into}
    return sorted(map(str, (out ^ NEEDED) | (heard ^ NEEDED)))


def _talks(manifests: Manifests, way: str, peers: str) -> Iterator[Talk]:
    for own, spec in policies(manifests):
        for rule in spec.get(way, []):
            for peer in rule[peers]:
                if set(peer) == {"podSelector"} and own:
                    for port in rule["ports"]:
                        yield own, peer["podSelector"]["matchLabels"][NAME], port["port"]


def on_ports(manifests: Manifests) -> list[str]:
    """Each port that somebody may be spoken to on is one of his."""
    ports = {
        one.app: {p["containerPort"] for c in one.containers for p in c.get("ports", [])}
        for one in workloads(manifests)
    }
    open_to = [
        (own, port["port"])
        for own, spec in policies(manifests)
        for rule in spec.get("ingress", [])
        for port in rule["ports"]
    ]
    return [f"{own}: {port}" for own, port in open_to if own is None or port not in ports.get(own, set())]


def nothing_unbounded(manifests: Manifests) -> list[str]:
    """No rule leaves out with whom, or on which ports."""
    rules = [
        (str(own), rule)
        for own, spec in policies(manifests)
        for way in ("ingress", "egress")
        for rule in spec.get(way, [])
    ]
    return [own for own, rule in rules if not rule.get("ports") or not (rule.get("to") or rule.get("from"))]


def everybody_is_named(manifests: Manifests) -> list[str]:
    """Every workload has a policy of its own, and each policy a workload."""
    apps = {one.app for one in workloads(manifests)}
    return sorted(apps ^ {own for own, _ in policies(manifests) if own})


def names_are_found(manifests: Manifests) -> list[str]:
    """Everybody may ask the cluster's name server, by both protocols."""
    asked = [
        {(port["protocol"], port["port"]) for port in rule["ports"]}
        for own, spec in policies(manifests)
        for rule in spec.get("egress", [])
        if own is None and rule["to"][0]["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
    ]
    return [] if asked == [{("UDP", 53), ("TCP", 53)}] else [str(asked)]


def providers_are_public(manifests: Manifests) -> list[str]:
    """The gateway reaches every public address by HTTPS alone, and no private one in this way."""
    blocks = [(block, ports) for block, ports in _blocks(manifests) if ip_network(block["cidr"]).prefixlen == 0]
    reached = [private for private in PRIVATE for block, _ in blocks if _holds(block, private)]
    ports = {port for _, ports in blocks for port in ports}
    return reached if ports == {HTTPS} else [*reached, str(ports)]


def _holds(block: dict[str, Any], address: str) -> bool:
    one, whole = ip_network(address), ip_network(block["cidr"])
    if one.version != whole.version:
        return False
    return not any(one.subnet_of(ip_network(hole)) for hole in block.get("except", []))  # type: ignore[arg-type] # one version


def _blocks(manifests: Manifests) -> Iterator[tuple[dict[str, Any], set[int]]]:
    for own, spec in policies(manifests):
        for rule in spec.get("egress", []) if own == "gateway" else []:
            yield from ((p["ipBlock"], {port["port"] for port in rule["ports"]}) for p in rule["to"] if "ipBlock" in p)


def vault_is_reached(manifests: Manifests) -> list[str]:
    """The port of Vault's address is open to the gateway, at the place that the overlay names."""
    address = urlsplit(str(environment(manifests, workload(manifests, "gateway"))["GATEWAY_VAULT_ADDR"]))
    (spec,) = [
        one["spec"] for one in of_kind(manifests, "NetworkPolicy") if one["metadata"]["name"] == "gateway-to-vault"
    ]
    ports = [port["port"] for rule in spec["egress"] for port in rule["ports"]]
    stores = [one["spec"]["provider"]["vault"]["server"] for one in of_kind(manifests, "SecretStore")]
    return [str(found) for found in [*ports, *stores] if found not in {address.port or HTTPS, address.geturl()}]
