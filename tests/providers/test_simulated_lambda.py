"""The simulated Lambda against the hand-calculated table: paths, refusals, and items byte for byte."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.providers.script import Fault, Script
from tests.providers.simulated_wire import KEY, LIST, PROBE

if TYPE_CHECKING:
    from gatespec.providers.control_client import ProvidersControl
    from tests.providers.simulated_wire import Provider

TABLE = tomllib.loads((Path(__file__).parents[2] / "spec" / "providers" / "lambda.toml").read_text())
ITEMS = {item["key"]: item["wire"] for item in TABLE["item"]}


def test_each_item_of_the_table_is_served_byte_for_byte(control: ProvidersControl, provider: Provider) -> None:
    for key, wire in ITEMS.items():
        control.script(provider.name, Script(items={key: wire}))
        heard = provider.get()
        assert heard.body == b'{"data":{"' + key.encode() + b'":' + wire.encode() + b"}}"
        assert json.loads(heard.body)["data"] == {key: json.loads(wire)}
        assert (heard.status, heard.headers["content-type"]) == (200, "application/json")


def test_the_whole_table_is_one_list(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(items=ITEMS))
    assert json.loads(provider.get().body) == {"data": {key: json.loads(wire) for key, wire in ITEMS.items()}}


@pytest.mark.parametrize("row", TABLE["body"], ids=lambda row: row["title"])
def test_each_body_of_the_table_is_served_as_it_is(
    control: ProvidersControl, provider: Provider, row: dict[str, Any]
) -> None:
    control.script(provider.name, Script(faults=[Fault(kind="body", body=row["wire"])]))
    heard = provider.get()
    assert (heard.status, heard.body) == (200, row["wire"].encode())


def test_injected_items_stand_beside_the_catalogue_and_in_place_of_their_like(
    control: ProvidersControl, provider: Provider
) -> None:
    before = json.loads(provider.get().body)["data"]
    control.script(provider.name, Script(inject={"bad": "null", "gpu_1x_a10": ITEMS["gpu_1x_a10"]}))
    after = json.loads(provider.get().body)["data"]
    assert after == {**before, "bad": None, "gpu_1x_a10": json.loads(ITEMS["gpu_1x_a10"])}


def test_the_catalogue_has_the_documented_types(provider: Provider) -> None:
    data = json.loads(provider.get().body)["data"]
    assert len(data) == 20
    for key, item in data.items():
        made = item["instance_type"]
        assert set(item) == {"instance_type", "regions_with_capacity_available"}
        assert set(made) == {"name", "description", "gpu_description", "price_cents_per_hour", "specs"}
        assert made["name"] == key
        assert made["description"] == f"{made['specs']['gpus']}x {made['gpu_description']}"
        assert all(type(number) is int for number in [made["price_cents_per_hour"], *made["specs"].values()])
        assert item["regions_with_capacity_available"]
        assert all(set(region) == {"name", "description"} for region in item["regions_with_capacity_available"])


def test_regions_without_capacity_leave_the_list(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(without_capacity=["us-south-2"]))
    data = json.loads(provider.get().body)["data"]
    regions = {
        key: [region["name"] for region in item["regions_with_capacity_available"]] for key, item in data.items()
    }
    assert regions["gpu_2x_h100_sxm5"] == []
    assert regions["gpu_8x_h100_sxm5"] == ["europe-central-1", "asia-northeast-2"]


def test_probes_and_regions_answer_beside_the_list(provider: Provider) -> None:
    images, regions = (json.loads(provider.get(path).body)["data"] for path in (PROBE, TABLE["regions_path"]))
    assert {image["region"]["name"] for image in images} == {region["name"] for region in regions}
    assert len({image["id"] for image in images}) == len(images)
    assert TABLE["probe_path"] == PROBE
    assert TABLE["list_path"] == LIST


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {KEY}", f"bearer  {KEY}", "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(), f"Basic {KEY}"],
)
def test_the_key_is_taken_in_every_documented_form(provider: Provider, authorization: str) -> None:
    assert provider.get(authorization=authorization).status == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Bearer {KEY}x", f"Token {KEY}", KEY, "Basic Og==", "Basic !"],
)
@pytest.mark.parametrize("path", [LIST, PROBE, "/api/v1/nothing"])
def test_everything_else_is_refused_as_documented(provider: Provider, authorization: str | None, path: str) -> None:
    heard = provider.get(path, authorization)
    assert heard.status == 401
    error = json.loads(heard.body)["error"]
    assert (error["code"], error["message"]) == ("global/invalid-api-key", "API key was invalid, expired, or deleted.")


def test_a_rotated_credential_is_the_only_one_taken(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(credentials=["second"]))
    assert provider.get().status == 401
    assert provider.get(authorization="Bearer second").status == 200


def test_where_no_credential_is_accepted_all_are_refused(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(credentials=[]))
    assert provider.get().status == 401


def test_a_key_that_happens_to_be_base64_is_still_a_key(control: ProvidersControl, provider: Provider) -> None:
    key = base64.b64encode(b"second").decode()
    control.script(provider.name, Script(credentials=[key]))
    assert provider.get(authorization=f"Basic {key}").status == 200


def test_an_inactive_account_is_refused_with_403(control: ProvidersControl, provider: Provider) -> None:
    control.script(provider.name, Script(inactive=True))
    heard = provider.get()
    assert (heard.status, json.loads(heard.body)["error"]["code"]) == (403, "global/account-inactive")


def test_unknown_paths_get_the_providers_own_404(provider: Provider) -> None:
    heard = provider.get("/api/v1/nothing")
    assert (heard.status, json.loads(heard.body)["error"]["code"]) == (404, "global/not-found")


def test_a_provider_that_is_not_simulated_gets_404(base_url: str, provider: Provider) -> None:
    heard = type(provider)(base_url, "nobody").get()
    assert heard.status == 404
    assert json.loads(heard.body)["field"] == "provider"
