"""Every rendered manifest is one that Kubernetes takes, and restrained as the `restricted` standard asks."""

from __future__ import annotations

import copy

import kubernetes_validate
import pytest

from tests.deployment.deployed import OF_OPERATORS, OVERLAYS, containers, of_kind, one, pods, rendered

KUBERNETES = "1.34"
"""The version that `k8s/check.sh` asks."""
everywhere = pytest.mark.parametrize("overlay", OVERLAYS)


@everywhere
def test_each_fits_its_schema_strictly(overlay: str) -> None:
    for manifest in rendered(overlay):
        if manifest["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_check_sees_a_field_that_there_is_not() -> None:
    wrong = copy.deepcopy(one("production", "StatefulSet", "gateway"))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_only_these_kinds_come_from_operators() -> None:
    kinds = {each["kind"] for each in rendered("production")} - {each["kind"] for each in rendered("small")}
    assert kinds == OF_OPERATORS


@everywhere
def test_every_pod_is_restricted(overlay: str) -> None:
    for name, template in pods(overlay).items():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(template):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], name
            assert not context["allowPrivilegeEscalation"], name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


@everywhere
def test_every_container_says_what_it_needs_and_has_a_limit(overlay: str) -> None:
    for name, template in pods(overlay).items():
        for container in containers(template):
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


@everywhere
def test_selectors_select_the_pods_they_are_for(overlay: str) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods(overlay).items()}
    for workload in of_kind(overlay, "StatefulSet"):
        wanted = workload["spec"]["selector"]["matchLabels"].items()
        assert wanted <= labels[workload["metadata"]["name"]].items()
    for chooser in of_kind(overlay, "Service", "PodDisruptionBudget"):
        selector = chooser["spec"]["selector"]
        wanted = selector.get("matchLabels", selector).items()
        assert [name for name, has in labels.items() if wanted <= has.items()], chooser["metadata"]["name"]


@everywhere
def test_whoever_has_replicas_has_a_budget_but_for_the_one_that_says_so(overlay: str) -> None:
    budgets = {each["metadata"]["name"] for each in of_kind(overlay, "PodDisruptionBudget")}
    workloads = {each["metadata"]["name"] for each in of_kind(overlay, "StatefulSet")}
    assert workloads - budgets == {"postgres"}
    postgres = one(overlay, "StatefulSet", "postgres")
    assert postgres["spec"]["replicas"] == 1
    assert "without failover" in postgres["metadata"]["annotations"]["gpubroker/replicas"]


@everywhere
def test_what_is_not_allowed_is_denied_and_every_pod_may_speak_to_somebody(overlay: str) -> None:
    policies = list(of_kind(overlay, "NetworkPolicy"))
    (default,) = (each for each in policies if each["metadata"]["name"] == "default-deny")
    assert default["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    selected = [each["spec"]["podSelector"].get("matchLabels", {}) for each in policies]
    for name, template in pods(overlay).items():
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == name
        assert {"app.kubernetes.io/name": name} in selected, name


def test_no_secret_lies_in_a_manifest() -> None:
    for overlay in OVERLAYS:
        assert list(of_kind(overlay, "Secret")) == []
    stores = [each["spec"]["secretStoreRef"]["name"] for each in of_kind("production", "ExternalSecret")]
    assert set(stores) == {"vault"}


def test_every_secret_that_a_pod_names_comes_from_somewhere() -> None:
    named: set[str] = set()
    for template in pods("production").values():
        for volume in template["spec"].get("volumes", []):
            named |= {volume["secret"]["secretName"]} if "secret" in volume else set()
        for container in containers(template):
            named |= {each["secretRef"]["name"] for each in container.get("envFrom", []) if "secretRef" in each}
    assert named == {each["spec"]["target"]["name"] for each in of_kind("production", "ExternalSecret")}


def test_the_gateways_scale_from_ten_to_a_thousand_by_their_autoscaler_alone() -> None:
    scaler = one("production", "HorizontalPodAutoscaler", "gateway")["spec"]
    gateway = one("production", "StatefulSet", "gateway")
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (10, 1000)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "gateway"}
    assert "replicas" not in gateway["spec"]
    assert gateway["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [each["metadata"]["name"] for each in gateway["spec"]["volumeClaimTemplates"]] == ["spool"]
