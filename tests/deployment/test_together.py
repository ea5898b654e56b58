"""Images, ports, settings, probes and names agree: in compose file, manifests, scripts, specification and code."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
import yaml

from gatespec.composed import places
from gatespec.providers.dialects import DIALECTS
from gatespec.stack import images
from gatespec.target import load_target
from tests.deployment.deployed import (
    DOCKER,
    K8S,
    OVERLAYS,
    ROOT,
    composed,
    containers,
    dockerfile,
    image_of,
    of_kind,
    offline_images,
    one,
    pods,
    settings_of,
)

everywhere = pytest.mark.parametrize("overlay", OVERLAYS)
PORT = "8000"
SERVICES = composed()["services"]
SETTINGS = {row["name"]: row for row in tomllib.loads((ROOT / "spec/settings.toml").read_text())["setting"]}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def from_secrets() -> set[str]:
    """Settings that the operator writes into the Secret of that name."""
    (secret,) = (e for e in of_kind("production", "ExternalSecret") if e["metadata"]["name"] == "gateway-secrets")
    return {each["secretKey"] for each in secret["spec"]["data"]}


def test_every_image_can_be_made_offline_under_its_name() -> None:
    assert {image_of(service) for service in SERVICES.values()} == offline_images().keys()
    for folder in offline_images().values():
        assert dockerfile(folder).count("FROM debian:bookworm-slim") >= 1


def test_what_is_ours_has_the_products_version() -> None:
    assert {name for name in offline_images() if name.startswith("gatespec/")} == {
        f"gatespec/gateway:{PROJECT['version']}",
        f"gatespec/judge:{PROJECT['version']}",
    }
    for folder in ("gateway", "judge"):
        assert f"ARG VERSION={PROJECT['version']}" in dockerfile(folder)


@everywhere
def test_the_manifests_run_the_images_of_the_compose_file(overlay: str) -> None:
    named = {container["image"] for template in pods(overlay).values() for container in containers(template)}
    assert named == {image_of(SERVICES[service]) for service in ("gateway-1", "redis-1", "postgres")}


def test_the_judge_runs_the_images_of_the_compose_file() -> None:
    for service, image in (("redis-1", images.REDIS), ("postgres", images.POSTGRES), ("vault", images.VAULT)):
        assert SERVICES[service]["image"] == f"${{{image.override}:-{image.name}}}"
    target = load_target(ROOT / "reference_gateway/gateway.toml")
    assert target.command
    assert target.command.container
    assert target.command.container.image == image_of(SERVICES["gateway-1"])


@pytest.mark.parametrize("folder", sorted(offline_images().values()))
def test_every_image_is_no_roots_labelled_and_looked_after(folder: str) -> None:
    text = dockerfile(folder)
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root|0)", last, re.MULTILINE)
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in last
    assert "HEALTHCHECK" in last
    assert not re.search(r"pip|uv sync|build-essential|gcc", last)


@everywhere
def test_users_are_the_same_in_images_compose_and_manifests(overlay: str) -> None:
    for name, service in (("gateway", "gateway-1"), ("redis", "redis-1"), ("postgres", "postgres")):
        context = pods(overlay)[name]["spec"]["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == SERVICES[service]["user"]
        assert f"--uid {context['runAsUser']}" in dockerfile(name)
    assert SERVICES["vault-keeper"]["user"] == f"{places.JUDGE_UID}:{places.GATEWAY_GID}"
    assert f"--uid {places.JUDGE_UID}" in dockerfile("judge")


@everywhere
def test_every_required_setting_is_given_and_every_given_one_exists(overlay: str) -> None:
    given = settings_of(overlay).keys() | from_secrets()
    required = {name for name, row in SETTINGS.items() if row.get("required")}
    assert required - given == set()
    assert given - SETTINGS.keys() == set()


def test_the_local_stack_gives_every_required_setting() -> None:
    module = (ROOT / "gatespec/composed/secrets.py").read_text() + (ROOT / "gatespec/composed/vault.py").read_text()
    ours = set(re.findall(r'"(GATEWAY_[A-Z_]+)"', module)) | SERVICES["gateway-1"]["environment"].keys()
    jwt = {"GATEWAY_JWT_PRIVATE_KEY_FILE", "GATEWAY_JWT_PUBLIC_KEY_FILE", "GATEWAY_JWT_ISSUER", "GATEWAY_JWT_AUDIENCE"}
    required = {name for name, row in SETTINGS.items() if row.get("required")}
    assert required - ours - jwt == set()
    assert ours - SETTINGS.keys() == set()


@everywhere
def test_the_gateway_listens_where_everybody_looks_for_it(overlay: str) -> None:
    (container,) = containers(pods(overlay)["gateway"])
    assert settings_of(overlay)["GATEWAY_LISTEN"] == SERVICES["gateway-1"]["environment"]["GATEWAY_LISTEN"]
    assert settings_of(overlay)["GATEWAY_LISTEN"].rpartition(":")[2] == PORT
    assert [str(port["containerPort"]) for port in container["ports"]] == [PORT]
    assert f"EXPOSE {PORT}" in dockerfile("gateway")
    for name in ("gateway-1", "gateway-2"):
        assert f"server {name} {name}:{PORT}" in (DOCKER / "haproxy/haproxy.cfg").read_text()


@everywhere
def test_probes_ask_for_what_is_served(overlay: str) -> None:
    paths = yaml.safe_load((ROOT / "spec/openapi.yaml").read_text())["paths"].keys()
    (container,) = containers(pods(overlay)["gateway"])
    asked = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert set(asked.values()) <= paths
    assert asked["readinessProbe"] == "/health/ready"
    assert asked["livenessProbe"] == "/health/live"
    annotations = pods(overlay)["gateway"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in paths
    assert annotations["prometheus.io/port"] == PORT
    assert asked["readinessProbe"] in (DOCKER / "gateway/healthy.py").read_text()
    assert f"GET {asked['readinessProbe']}" in (DOCKER / "haproxy/haproxy.cfg").read_text()


@everywhere
def test_whoever_drains_is_given_the_time(overlay: str) -> None:
    pod = pods(overlay)["gateway"]["spec"]
    pause = containers(pods(overlay)["gateway"])[0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(settings_of(overlay)["GATEWAY_DRAIN_S"])
    assert pod["terminationGracePeriodSeconds"] > pause + drain
    composed_drain = int(SERVICES["gateway-1"]["environment"]["GATEWAY_DRAIN_S"])
    assert int(SERVICES["gateway-1"]["stop_grace_period"].removesuffix("s")) > composed_drain


def test_names_that_the_code_knows_are_those_of_the_compose_file() -> None:
    nodes = re.findall(r"(redis-\d):6379", places.REDIS_URL)
    assert set(nodes) == {name for name in SERVICES if re.fullmatch(r"redis-\d", name)}
    assert places.POSTGRES_HOST.partition(":")[0] in SERVICES
    for url in (places.VAULT_URL, places.SIMULATORS_URL):
        assert re.fullmatch(r"http://([a-z]+):\d+", url)[1] in SERVICES  # type: ignore[index]
    environment = SERVICES["postgres"]["environment"]
    assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"]) == (places.OWNER, places.DATABASE)
    simulated = SERVICES["simulators"]["environment"]["GATESPEC_PROVIDERS"].split(",")
    assert set(simulated) <= DIALECTS.keys()
    assert set(simulated) == set(load_target(ROOT / "reference_gateway/gateway.toml").adapters)


@everywhere
def test_the_gateway_finds_redis_and_postgres_by_the_names_of_their_services(overlay: str) -> None:
    services = {each["metadata"]["name"]: each["spec"] for each in of_kind(overlay, "Service")}
    hosts = re.findall(r"redis-\d\.(\w+):(\d+)", settings_of(overlay)["GATEWAY_REDIS_URL"])
    assert {(host, int(port)) for host, port in hosts} == {("redis", services["redis"]["ports"][0]["port"])}
    command = containers(pods(overlay)["redis-join"])[0]["command"]
    nodes = one(overlay, "StatefulSet", "redis")["spec"]["replicas"]
    assert command[2:] == [f"redis-{number}.redis" for number in range(nodes)]
    assert services["postgres"]["ports"][0]["port"] == int(places.POSTGRES_HOST.rpartition(":")[2])


def test_both_clusters_of_redis_are_formed_by_one_script() -> None:
    (mounted,) = SERVICES["redis-cluster"]["volumes"]
    script = ROOT / mounted.partition(":")[0]
    assert script == K8S / "base/redis/join.sh"
    assert script.stat().st_mode & 0o111
    base = yaml.safe_load((K8S / "base/kustomization.yaml").read_text())
    assert {"name": "redis-join", "files": ["redis/join.sh"]} in base["configMapGenerator"]


def test_every_published_port_is_on_the_loopback_address() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_service_has_a_password_in_the_file() -> None:
    text = json.dumps(composed())
    assert "PASSWORD=" not in text
    assert re.findall(r'"(\w*PASSWORD\w*)"', text) == ["POSTGRES_PASSWORD_FILE"]
