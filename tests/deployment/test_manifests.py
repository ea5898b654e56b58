"""Every overlay keeps every rule; what stands in several files says the same in each."""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

import pytest

from k8s.check.build import version
from k8s.check.rendered import K8S, OVERLAYS, render
from tests.deployment import rules_gateway, rules_network, rules_pods, rules_scale, rules_secrets
from tests.deployment.manifests import Manifests, images, made_secrets, of_kind, printed_secrets, rendered
from tests.deployment.schemas import OPERATORS, misfit

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[Manifests], list[str]]

RULES = [
    rules_pods.confined,
    rules_pods.nobodies,
    rules_pods.apart_from_the_host,
    rules_pods.without_tokens,
    rules_pods.without_links,
    rules_pods.bounded,
    rules_pods.roomy,
    rules_pods.mounted,
    rules_pods.probed,
    rules_scale.scaled,
    rules_scale.disrupted,
    rules_scale.spread,
    rules_scale.selected,
    rules_scale.governed,
    rules_scale.one_postgres,
    rules_scale.six_redis,
    rules_scale.connected,
    rules_scale.in_memory,
    rules_gateway.known_settings,
    rules_gateway.required_settings,
    rules_gateway.accepted_settings,
    rules_gateway.listening,
    rules_gateway.asked_paths,
    rules_gateway.given_time,
    rules_gateway.spooling,
    rules_gateway.key_files,
    rules_gateway.understood,
    rules_gateway.versioned,
    rules_network.denied,
    rules_network.said_on_both_sides,
    rules_network.on_ports,
    rules_network.nothing_unbounded,
    rules_network.everybody_is_named,
    rules_network.names_are_found,
    rules_network.providers_are_public,
    rules_network.vault_is_reached,
    rules_secrets.no_literals,
    rules_secrets.all_from_the_operator,
    rules_secrets.in_one_namespace,
]
IMAGES = {f"gatespec/gateway:{rules_gateway.version()}", "postgres:15-bookworm", "redis:7.0-bookworm"}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_an_overlay_keeps_the_rule(rule: Rule, overlay: str) -> None:
    assert rule(rendered(overlay)) == [], rule.__doc__


def test_in_production_there_are_10_to_1000_gateways() -> None:
    assert rules_scale.ten_to_a_thousand(rendered("production")) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_of_its_kind_and_has_no_other_fields(overlay: str) -> None:
    assert [why for one in rendered(overlay) if (why := misfit(one))] == []


def test_only_the_overlay_with_an_operator_has_kinds_of_its() -> None:
    others = {name: {one["kind"] for one in of_kind(rendered(name), *OPERATORS)} for name in OVERLAYS}
    assert others == {"production": OPERATORS, "small": set()}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_secret_that_is_asked_for_is_made_and_no_other(overlay: str) -> None:
    assert rules_secrets.not_made(rendered(overlay), made_secrets(overlay)) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_images_are_those_that_are_named(overlay: str) -> None:
    assert set(images(rendered(overlay))) == IMAGES


def test_the_script_draws_its_passwords_and_the_gateway_can_read_what_it_prints() -> None:
    first = printed_secrets("small")
    printed_secrets.cache_clear()
    again = printed_secrets("small")
    for name, key in (("postgres", "password"), ("redis", "password"), ("gateway-signing-keys", "private.pem")):
        assert first[name][key] != again[name][key]
    password = first["redis"]["password"]
    assert re.fullmatch(r"[0-9a-f]{64}", password)
    assert first["redis"]["auth.conf"] == f"requirepass {password}\nmasterauth {password}\n"
    assert first["gateway-redis"]["url"] == made_secrets("production")["gateway-redis"]["url"].replace(
        "{{ .password }}", password
    )
    assert first["gateway-database"]["url"] == made_secrets("production")["gateway-database"]["url"].replace(
        "{{ .password }}", first["postgres"]["password"]
    )
    assert first["gateway-signing-keys"]["public.pem"].startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_gateway_knows_every_redis_by_its_name(overlay: str) -> None:
    url = made_secrets(overlay)["gateway-redis"]["url"]
    assert re.findall(r"redis-\d\.redis:6379", url) == [f"redis-{number}.redis:6379" for number in range(6)]


def test_the_base_can_be_rendered_by_itself_and_says_no_address() -> None:
    base = render(K8S / "base")
    assert rules_gateway.required_settings(base) == ["GATEWAY_VAULT_ADDR", "GATEWAY_JWT_ISSUER", "GATEWAY_JWT_AUDIENCE"]


def test_schemas_and_api_server_are_of_one_version() -> None:
    schemas = importlib.metadata.version("kubernetes-validate").split(".")[:2]
    assert version().removeprefix("v").split(".")[:2] == schemas
    lines = (K8S / "check" / "kube-apiserver" / "go.mod").read_text(encoding="utf-8")
    staging = set(re.findall(r"=> k8s\.io/\S+ v0\.(\S+)", lines))
    assert staging == {version().removeprefix("v1.")}
