"""Images, ports, settings, probes and names agree: in compose file, manifests, scripts, specification and code."""

from __future__ import annotations

import json
import re
import tomllib
from urllib.parse import urlsplit

import pytest
import yaml

from gatespec.composed import places
from gatespec.providers.dialects import DIALECTS
from gatespec.stack import images
from gatespec.target import load_target
from k8s.check.rendered import OVERLAYS
from tests.deployment.deployed import DOCKER, composed, dockerfile, image_of, offline_images
from tests.deployment.manifests import environment, of_kind, rendered, workload
from tests.deployment.manifests import images as run_images
from tests.deployment.rules_gateway import settings_of
from tests.repository.checkout import ROOT

everywhere = pytest.mark.parametrize("overlay", OVERLAYS)
PORT = "8000"
SERVICES = composed()["services"]
SETTINGS = {row["name"]: row for row in tomllib.loads((ROOT / "spec/settings.toml").read_text())["setting"]}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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
    assert set(run_images(rendered(overlay))) == {
        image_of(SERVICES[name]) for name in ("gateway-1", "redis-1", "postgres")
    }


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
        context = workload(rendered(overlay), name).pod["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == SERVICES[service]["user"]
        assert f"--uid {context['runAsUser']}" in dockerfile(name)
    assert SERVICES["vault-keeper"]["user"] == f"{places.JUDGE_UID}:{places.GATEWAY_GID}"
    assert f"--uid {places.JUDGE_UID}" in dockerfile("judge")


def test_the_local_stack_gives_every_required_setting() -> None:
    module = (ROOT / "gatespec/composed/secrets.py").read_text() + (ROOT / "gatespec/composed/vault.py").read_text()
    ours = set(re.findall(r'"(GATEWAY_[A-Z_]+)"', module)) | SERVICES["gateway-1"]["environment"].keys()
    jwt = {"GATEWAY_JWT_PRIVATE_KEY_FILE", "GATEWAY_JWT_PUBLIC_KEY_FILE", "GATEWAY_JWT_ISSUER", "GATEWAY_JWT_AUDIENCE"}
    required = {name for name, row in SETTINGS.items() if row.get("required")}
    assert required - ours - jwt == set()
    assert ours - SETTINGS.keys() == set()


@everywhere
def test_the_gateway_listens_where_everybody_looks_for_it(overlay: str) -> None:
    told = environment(rendered(overlay), workload(rendered(overlay), "gateway"))
    assert told["GATEWAY_LISTEN"] == SERVICES["gateway-1"]["environment"]["GATEWAY_LISTEN"]
    assert settings_of(rendered(overlay)).listen.port == int(PORT)
    assert f"EXPOSE {PORT}" in dockerfile("gateway")
    for name in ("gateway-1", "gateway-2"):
        assert f"server {name} {name}:{PORT}" in (DOCKER / "haproxy/haproxy.cfg").read_text()


@everywhere
def test_all_who_ask_whether_it_is_ready_ask_for_the_same(overlay: str) -> None:
    (container,) = workload(rendered(overlay), "gateway").containers
    asked = container["readinessProbe"]["httpGet"]["path"]
    assert asked in yaml.safe_load((ROOT / "spec/openapi.yaml").read_text())["paths"]
    assert asked in (DOCKER / "gateway/healthy.py").read_text()
    assert f"GET {asked}" in (DOCKER / "haproxy/haproxy.cfg").read_text()


def test_whoever_drains_in_the_local_stack_is_given_the_time() -> None:
    drain = int(SERVICES["gateway-1"]["environment"]["GATEWAY_DRAIN_S"])
    assert int(SERVICES["gateway-1"]["stop_grace_period"].removesuffix("s")) > drain


@everywhere
def test_manifests_and_compose_file_start_the_gateway_alike(overlay: str) -> None:
    assert json.dumps(workload(rendered(overlay), "gateway").containers[0]["command"]) in dockerfile("gateway")
    (job,) = [one for one in of_kind(rendered(overlay), "Job") if one["metadata"]["name"].startswith("gateway-migrate")]
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == SERVICES["migrate"]["command"]


def test_names_that_the_code_knows_are_those_of_the_compose_file() -> None:
    nodes = re.findall(r"(redis-\d):6379", places.REDIS_URL)
    assert set(nodes) == {name for name in SERVICES if re.fullmatch(r"redis-\d", name)}
    assert places.POSTGRES_HOST.partition(":")[0] in SERVICES
    for url in (places.VAULT_URL, places.SIMULATORS_URL):
        assert urlsplit(url).hostname in SERVICES
    environment = SERVICES["postgres"]["environment"]
    assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"]) == (places.OWNER, places.DATABASE)
    simulated = SERVICES["simulators"]["environment"]["GATESPEC_PROVIDERS"].split(",")
    assert set(simulated) <= DIALECTS.keys()
    assert set(simulated) == set(load_target(ROOT / "reference_gateway/gateway.toml").adapters)


@everywhere
def test_stores_are_found_on_the_same_ports(overlay: str) -> None:
    ports = {one["metadata"]["name"]: one["spec"]["ports"][0]["port"] for one in of_kind(rendered(overlay), "Service")}
    assert ports["postgres"] == int(places.POSTGRES_HOST.rpartition(":")[2])
    assert {ports["redis"]} == {int(port) for port in re.findall(r"redis-\d:(\d+)", places.REDIS_URL)}


def test_the_local_cluster_of_redis_is_joined_by_a_script_that_is_there() -> None:
    (mounted,) = SERVICES["redis-cluster"]["volumes"]
    assert (ROOT / mounted.partition(":")[0]).stat().st_mode & 0o111


def test_every_published_port_is_on_the_loopback_address() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_service_has_a_password_in_the_file() -> None:
    text = json.dumps(composed())
    assert "PASSWORD=" not in text
    assert re.findall(r'"(\w*PASSWORD\w*)"', text) == ["POSTGRES_PASSWORD_FILE"]
