"""Every rule finds the mistakes that it is there for: one value put wrong in our own manifests."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from gatespec.errors import GatespecError
from k8s.check.planted import CONTAINER, MISTAKES, put
from k8s.check.rendered import OVERLAYS, named, render
from tests.deployment import rules_gateway, rules_network, rules_pods, rules_scale, rules_secrets
from tests.deployment.manifests import Manifests, made_secrets, of_kind, rendered
from tests.deployment.schemas import misfit
from tests.deployment.test_manifests import RULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from k8s.check.planted import Mistake

    Rule = Callable[[Manifests], list[str]]
    At = tuple[str | int, ...]

POD: At = ("spec", "template", "spec")
OWN: At = (*CONTAINER, "securityContext")
GATEWAY, REDIS, POSTGRES = (("StatefulSet", name) for name in ("gateway", "redis", "postgres"))
SCALER, BUDGET = ("HorizontalPodAutoscaler", "gateway"), ("PodDisruptionBudget", "redis")
MIGRATION, SETTINGS = ("Job", "gateway-migrate-0-1-0"), ("ConfigMap", "gateway-settings")
DATABASE, STORE = ("ExternalSecret", "gateway-database"), ("SecretStore", "vault")
LABEL = "app.kubernetes.io/name"
FROM: At = ("spec", "ingress", 0, "from")
PUBLIC: At = ("spec", "egress", 0, "to", 0, "ipBlock")
TEMPLATE: At = ("spec", "target", "template", "data")


def policy(name: str) -> tuple[str, str]:
    return "NetworkPolicy", name


def labelled(name: str) -> dict[str, dict[str, str]]:
    return {"matchLabels": {LABEL: name}}


PROVIDERS = policy("gateway-to-providers")

PLANTED: list[tuple[Rule, tuple[str, str], At, object]] = [
    (rules_pods.confined, GATEWAY, (*OWN, "readOnlyRootFilesystem"), False),
    (rules_pods.confined, POSTGRES, (*OWN, "capabilities"), {"drop": ["ALL"], "add": ["CHOWN"]}),
    (rules_pods.confined, MIGRATION, (*OWN, "allowPrivilegeEscalation"), True),
    (rules_pods.nobodies, REDIS, (*POD, "securityContext", "runAsUser"), 0),
    (rules_pods.nobodies, REDIS, (*POD, "securityContext", "seccompProfile"), {"type": "Unconfined"}),
    (rules_pods.nobodies, GATEWAY, (*POD, "securityContext", "runAsNonRoot"), None),
    (rules_pods.apart_from_the_host, REDIS, (*POD, "hostNetwork"), True),
    (rules_pods.apart_from_the_host, REDIS, (*POD, "volumes", 0), {"name": "x", "hostPath": {"path": "/"}}),
    (rules_pods.without_tokens, GATEWAY, (*POD, "automountServiceAccountToken"), True),
    (rules_pods.without_tokens, GATEWAY, (*POD, "serviceAccountName"), "default"),
    (rules_pods.without_tokens, ("ServiceAccount", "redis"), ("automountServiceAccountToken",), True),
    (rules_pods.without_links, GATEWAY, (*POD, "enableServiceLinks"), None),
    (rules_pods.bounded, GATEWAY, (*CONTAINER, "resources", "requests", "memory"), "1Gi"),
    (rules_pods.bounded, REDIS, (*CONTAINER, "resources", "limits"), {"cpu": "2"}),
    (rules_pods.roomy, GATEWAY, (*POD, "volumes", 1, "emptyDir"), {}),
    (rules_pods.mounted, POSTGRES, (*CONTAINER, "volumeMounts", 0, "name"), "nothing"),
    (rules_pods.probed, REDIS, (*CONTAINER, "livenessProbe"), None),
    (rules_pods.probed, GATEWAY, (*CONTAINER, "readinessProbe", "httpGet", "port"), "web"),
    (rules_scale.ten_to_a_thousand, SCALER, ("spec", "minReplicas"), 9),
    (rules_scale.scaled, SCALER, ("spec", "minReplicas"), 1001),
    (rules_scale.scaled, SCALER, ("spec", "scaleTargetRef", "kind"), "Deployment"),
    (rules_scale.scaled, GATEWAY, ("spec", "replicas"), 10),
    (rules_scale.disrupted, BUDGET, ("spec", "selector", "matchLabels", LABEL), "postgres"),
    (rules_scale.disrupted, BUDGET, ("spec", "maxUnavailable"), 6),
    (rules_scale.spread, GATEWAY, (*POD, "topologySpreadConstraints"), []),
    (rules_scale.spread, REDIS, (*POD, "topologySpreadConstraints", 0, "labelSelector"), {}),
    (rules_scale.selected, REDIS, ("spec", "template", "metadata", "labels", LABEL), "another"),
    (rules_scale.selected, MIGRATION, ("spec", "template", "metadata", "labels", LABEL), "gateway"),
    (rules_scale.selected, ("Service", "gateway"), ("spec", "ports", 0, "port"), 80),
    (rules_scale.governed, GATEWAY, ("spec", "serviceName"), "gateway"),
    (rules_scale.one_postgres, POSTGRES, ("spec", "replicas"), 2),
    (rules_scale.one_postgres, POSTGRES, ("metadata", "annotations"), {}),
    (rules_scale.six_redis, REDIS, ("spec", "replicas"), 5),
    (rules_scale.six_redis, ("Job", "redis-join-0-1-0"), (*CONTAINER, "args", 5), "redis-6.redis"),
    (rules_scale.connected, SCALER, ("spec", "maxReplicas"), 1200),
    (rules_scale.in_memory, REDIS, (*CONTAINER, "resources", "limits", "memory"), "4Gi"),
    (rules_gateway.known_settings, SETTINGS, ("data", "GATEWAY_DRAIN"), "30"),
    (rules_gateway.required_settings, GATEWAY, (*CONTAINER, "env", 0, "name"), "GATEWAY_KAFKA_BOOTSTRAP"),
    (rules_gateway.accepted_settings, SETTINGS, ("data", "GATEWAY_VAULT_ADDR"), "vault.example.com:8200"),
    (rules_gateway.accepted_settings, SETTINGS, ("data", "GATEWAY_TRUSTED_PROXIES"), "10.0.0.1/8"),
    (rules_gateway.listening, SETTINGS, ("data", "GATEWAY_LISTEN"), "127.0.0.1:8000"),
    (rules_gateway.listening, GATEWAY, (*CONTAINER, "ports", 0, "containerPort"), 8080),
    (rules_gateway.asked_paths, GATEWAY, (*CONTAINER, "livenessProbe", "httpGet", "path"), "/health/ready"),
    (rules_gateway.asked_paths, GATEWAY, (*CONTAINER, "startupProbe", "httpGet", "path"), "/healthz"),
    (rules_gateway.given_time, SETTINGS, ("data", "GATEWAY_DRAIN_S"), "40"),
    (rules_gateway.given_time, GATEWAY, (*POD, "terminationGracePeriodSeconds"), 30),
    (rules_gateway.given_time, GATEWAY, (*CONTAINER, "lifecycle"), {}),
    (rules_gateway.spooling, SETTINGS, ("data", "GATEWAY_SPOOL_DIR"), "/tmp"),  # noqa: S108 - a pod's own
    (rules_gateway.spooling, SETTINGS, ("data", "GATEWAY_SPOOL_MAX_BYTES"), str(2**31)),
    (rules_gateway.key_files, SETTINGS, ("data", "GATEWAY_JWT_PUBLIC_KEY_FILE"), "/etc/public.pem"),
    (rules_gateway.key_files, GATEWAY, (*CONTAINER, "volumeMounts", 1, "subPath"), "public.pem"),
    (rules_gateway.understood, MIGRATION, (*CONTAINER, "command", 3), "upgrade"),
    (rules_gateway.versioned, GATEWAY, (*CONTAINER, "image"), "gatespec/gateway:0.2.0"),
    (rules_gateway.versioned, MIGRATION, ("metadata", "name"), "gateway-migrate"),
    (rules_gateway.versioned, ("Job", "redis-join-0-1-0"), ("metadata", "name"), "redis-join"),
    (rules_network.denied, policy("default-deny"), ("spec", "policyTypes"), ["Ingress"]),
    (rules_network.said_on_both_sides, policy("redis"), ("spec", "egress", 0, "ports", 1, "port"), 16380),
    (rules_network.said_on_both_sides, policy("gateway"), ("spec", "egress"), []),
    (rules_network.said_on_both_sides, policy("postgres"), (*FROM, 1, "podSelector"), labelled("redis")),
    (rules_network.on_ports, policy("gateway"), ("spec", "ingress", 0, "ports", 0, "port"), 80),
    (rules_network.nothing_unbounded, policy("gateway"), ("spec", "ingress", 0, "from"), []),
    (rules_network.everybody_is_named, policy("postgres"), ("spec", "podSelector"), labelled("another")),
    (rules_network.names_are_found, policy("names"), ("spec", "egress", 0, "ports", 0, "protocol"), "TCP"),
    (rules_network.providers_are_public, PROVIDERS, (*PUBLIC, "except", 3), "169.254.0.0/32"),
    (rules_network.providers_are_public, PROVIDERS, ("spec", "egress", 0, "ports", 0, "port"), 80),
    (rules_network.vault_is_reached, SETTINGS, ("data", "GATEWAY_VAULT_ADDR"), "https://vault.example.com"),
    (rules_network.vault_is_reached, STORE, ("spec", "provider", "vault", "server"), "https://x"),
    (rules_secrets.no_literals, POSTGRES, (*CONTAINER, "env", 2), {"name": "POSTGRES_PASSWORD", "value": "postgres"}),
    (rules_secrets.no_literals, SETTINGS, ("data", "GATEWAY_KPI_URL"), "https://me:secret@kpi.example.com"),
    (rules_secrets.no_literals, ("ConfigMap", "redis-config"), ("data", "redis.conf"), "requirepass secret\n"),
    (rules_secrets.no_literals, ("Service", "redis"), ("kind",), "Secret"),
    (rules_secrets.all_from_the_operator, DATABASE, (*TEMPLATE, "url"), "postgresql://me:secret@postgres/{{ .name }}"),
    (rules_secrets.in_one_namespace, GATEWAY, ("metadata", "namespace"), "default"),
    (rules_secrets.in_one_namespace, ("Namespace", "gatespec"), ("metadata", "labels"), {}),
]  # fmt: skip # a row a mistake


def planted(where: tuple[str, str], at: At, value: object) -> Manifests:
    """Production's manifests with one value put wrong; a ConfigMap is found by its name without the digest."""
    made = copy.deepcopy(rendered("production"))
    (found,) = [one for one in of_kind(made, where[0]) if one["metadata"]["name"] in {where[1], _full(made, where[1])}]
    put(found, at, value)
    return made


def _full(manifests: Manifests, name: str) -> str:
    maps = [one["metadata"]["name"] for one in of_kind(manifests, "ConfigMap")]
    return next((full for full in maps if full.startswith(f"{name}-")), name)


@pytest.mark.parametrize(
    ("rule", "where", "at", "value"), PLANTED, ids=[f"{row[0].__name__}-{row[2][-1]}" for row in PLANTED]
)
def test_a_planted_mistake_is_found(rule: Rule, where: tuple[str, str], at: At, value: object) -> None:
    assert rule(planted(where, at, value)) != []


def test_every_rule_has_its_mistake() -> None:
    assert {row[0] for row in PLANTED} == {*RULES, rules_scale.ten_to_a_thousand}


MISFITS: list[tuple[tuple[str, str], At, object]] = [
    (BUDGET, ("spec", "maxUnavailables"), 1),
    (GATEWAY, (*CONTAINER, "livenessProbe", "httpget"), {}),
    (SCALER, ("spec", "minReplicas"), "ten"),
    (SCALER, ("apiVersion",), "autoscaling/v2beta1"),
    (("ExternalSecret", "redis"), ("spec", "data", 0, "remoteRef"), {"property": "password"}),
    (("ExternalSecret", "redis"), ("spec", "refresh"), "1h"),
    (("SecretStore", "vault"), ("spec", "provider", "vault", "server"), "set-by-the-overlay"),
]


@pytest.mark.parametrize(("where", "at", "value"), MISFITS, ids=[f"{row[0][0]}-{row[1][-1]}" for row in MISFITS])
def test_an_object_that_is_not_of_its_kind_is_found(where: tuple[str, str], at: At, value: object) -> None:
    (found,) = [one for one in planted(where, at, value) if (one["kind"], one["metadata"]["name"]) == where]
    assert misfit(found)


def test_a_secret_that_nobody_makes_is_found_and_one_that_nobody_asks_for() -> None:
    made = {name: dict(keys) for name, keys in made_secrets("production").items()}
    del made["gateway-redis"]["url"]
    made["another"] = {}
    assert rules_secrets.not_made(rendered("production"), made) == ["another", "gateway-redis/url"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_what_the_api_server_must_refuse_can_be_planted(mistake: Mistake) -> None:
    manifests = rendered(mistake.overlay)
    before = copy.deepcopy(named(manifests, mistake.kind, mistake.name))
    assert mistake.plant(manifests) != before
    assert named(manifests, mistake.kind, mistake.name) == before


def test_an_overlay_that_cannot_be_rendered_says_why(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(GatespecError, match=r"nothing\.yaml"):
        render(tmp_path)


def test_there_are_overlays() -> None:
    assert OVERLAYS == ("production", "small")
