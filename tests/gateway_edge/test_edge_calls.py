"""Two gateways before simulated providers: breaker, endpoints, probes and polls are of both; metrics tell of them."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatespec.clock import until
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.dialects import DIALECTS
from gatespec.providers.script import Fault, Script
from gatespec.read_ports import Shape
from gatespec.stack.providers_file import Provider, write_providers_file
from gatespec.stack.simulators import Simulators
from tests.gateway_edge.edge_wire import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.stack.nursery import Nursery
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.vault_api import VaultShare
    from tests.gateway_edge.edge_wire import Instance, Reply

HEALTH = "/api/v2/providers/health"
SOON_MS = 20_000
OPEN_S = 2
DATABASE = 63
"""The last that `start` would come to."""
FAILS = Fault(kind="status", status=500, times=None, applies_to="list")

SHAPES = {
    "plain": Shape(),
    "pair": Shape(weights=(3, 1)),
    "polled": Shape(poll_s=1),
    "slow-rate": Shape(rate_per_s=0.2),
}
EACH = 6
"""Providers of each shape: every test takes one that nobody called."""


@dataclass
class Scene:
    """Two instances of one gateway, and the providers in our hand."""

    pair: tuple[Instance, Instance]
    control: ProvidersControl
    taken: defaultdict[str, count[int]]

    def fresh(self, shape: str) -> str:
        return f"{shape}-{next(self.taken[shape])}"

    def listed(self, name: str) -> list[str]:
        """At which endpoints it was listed, in order."""
        return [call.endpoint for call in self.control.ledger(name, "list")]

    def read(self, name: str, instance: int = 0) -> Reply:
        return self.pair[instance].offers(f"?provider={name}")

    def health(self, name: str, instance: int = 0) -> dict[str, Any]:
        rows = self.pair[instance].ask(HEALTH).json["providers"]
        return next(row for row in rows if row["name"] == name)


@pytest.fixture(scope="module")
def scene(
    start: Callable[..., Instance],
    stack_nursery: Nursery,
    redis_server: RedisServer,
    vault_share: VaultShare,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    for name in (f"{shape}-{n}" for shape in SHAPES for n in range(EACH)):
        vault_share.put(f"providers/{name}", DIALECTS["lambda"].development_credential())
    providers = [Provider(f"{shape}-{n}", SHAPES[shape]) for shape in SHAPES for n in range(EACH)]
    simulators = Simulators(stack_nursery, [provider.name for provider in providers])
    simulators.start()
    simulators.ready()
    file = tmp_path_factory.mktemp("calls") / "providers.toml"
    write_providers_file(file, providers, simulators.url)
    settings = {
        "GATEWAY_PROVIDERS_FILE": str(file),
        "GATEWAY_REDIS_URL": redis_server.url(DATABASE),
        "GATEWAY_REDIS_BUDGET_S": "1",
        "GATEWAY_TTL_PRICING_S": "0",
        "GATEWAY_BREAKER_WINDOW": "10",
        "GATEWAY_BREAKER_OPEN_S": str(OPEN_S),
        "GATEWAY_BREAKER_TRIAL_S": "10",
        "GATEWAY_HEALTH_INTERVAL_S": "1",
        "GATEWAY_RATE_FREE": "1000000",
    }
    yield Scene((start(**settings), start(**settings)), ProvidersControl(simulators.url), defaultdict(count))
    simulators.stop()


def codes(reply: Reply) -> list[str]:
    return [warning["code"] for warning in reply.json["warnings"]]


def test_ten_calls_of_which_half_fail_open_it_for_both_and_three_trials_close_it(scene: Scene) -> None:
    name = scene.fresh("plain")
    for _ in range(5):
        assert scene.read(name).status == 200
    scene.control.script(name, Script(faults=[FAILS]))
    for n in range(5):
        assert codes(scene.read(name, n % 2)) == ["stale"]
    assert [scene.health(name, instance)["breaker"] for instance in (0, 1)] == ["open", "open"]
    before = len(scene.listed(name))
    assert codes(scene.read(name, 1)) == ["stale"]
    assert len(scene.listed(name)) == before
    scene.control.script(name, Script(faults=[]))
    assert until(lambda: codes(scene.read(name)) == [], at_most_ms=SOON_MS), "the first trial"
    assert codes(scene.read(name, 1)) == codes(scene.read(name, 1)) == []
    assert (scene.health(name, 0)["breaker"], scene.health(name, 0)["calls"]) == ("closed", 0)


def test_who_is_left_out_because_of_its_breaker_is_named_with_it(scene: Scene) -> None:
    name = scene.fresh("plain")
    scene.control.script(name, Script(faults=[FAILS]))
    for _ in range(10):
        assert scene.read(name).status == 503
    both = scene.pair[1].offers(f"?provider={name}&provider={scene.fresh('plain')}")
    assert (both.status, codes(both)) == (200, ["breaker-open"])


def test_calls_are_shared_out_and_a_failed_attempt_goes_to_the_other(scene: Scene) -> None:
    name = scene.fresh("pair")
    for _ in range(8):
        scene.read(name)
    assert sorted(scene.listed(name)) == ["0"] * 6 + ["1"] * 2
    url = next(row["url"] for row in scene.health(name)["endpoints"])
    scene.control.script(name, Script(faults=[FAILS.model_copy(update={"endpoint": url.rpartition("@")[2]})]))
    before = len(scene.listed(name))
    assert [codes(scene.read(name)) for _ in range(4)] == [[]] * 4
    assert sorted(scene.listed(name)[before:]) == ["0"] * 3 + ["1"] * 4


def test_a_broken_connection_is_one_call_and_not_asked_again_behind_our_back(scene: Scene) -> None:
    name = scene.fresh("plain")
    assert scene.read(name).status == 200, "its connection is kept"
    scene.control.script(name, Script(faults=[Fault(kind="reset", times=None, applies_to="list")]))
    assert codes(scene.read(name)) == ["stale"]
    assert len(scene.listed(name)) == 2


def test_a_failed_probe_takes_an_endpoint_out_and_one_that_succeeds_brings_it_back(scene: Scene) -> None:
    name = scene.fresh("pair")
    fault = Fault(kind="status", status=500, times=None, applies_to="probe", endpoint="0")
    scene.control.script(name, Script(faults=[fault]))
    assert until(lambda: scene.health(name, 1)["endpoints"][0]["health"] == "out", at_most_ms=SOON_MS)
    for instance in (0, 1, 0, 1):
        scene.read(name, instance)
    assert scene.listed(name) == ["1"] * 4
    scene.control.script(name, Script(faults=[]))
    assert until(lambda: scene.health(name, 1)["endpoints"][0]["health"] != "out", at_most_ms=SOON_MS)
    scene.read(name)
    assert scene.listed(name)[-1] == "0"


def test_a_poll_brings_what_nobody_read(scene: Scene) -> None:
    name = scene.fresh("polled")
    assert until(lambda: len(scene.listed(name)) >= 3, at_most_ms=SOON_MS)


def test_what_a_provider_allows_is_for_both_together(scene: Scene) -> None:
    """A call each 5 s, and who asks earlier would have to wait for longer than a call may take."""
    name = scene.fresh("slow-rate")
    assert scene.read(name).status == 200
    reply = scene.read(name, 1)
    assert codes(reply) == ["stale"]
    assert len(scene.listed(name)) == 1


def test_metrics_are_those_of_the_list_and_no_others(scene: Scene) -> None:
    name = scene.fresh("plain")
    scene.read(name)
    listed = tomllib.loads((ROOT / "spec" / "metrics.toml").read_text())["metric"]
    text = scene.pair[0].ask("/metrics").body.decode()
    told = ("gateway_provider_", "gateway_vault_")
    families = [each for each in text_string_to_metric_families(text) if each.name.startswith(told)]
    assert {each.name: each.type for each in families} == {row["name"]: row["type"] for row in listed}
    labels = {row["name"]: row["labels"] for row in listed}
    for family in families:
        for sample in family.samples:
            given = {key: value for key, value in sample.labels.items() if key != "le"}
            assert given.keys() == labels[family.name].keys()
            for key, words in labels[family.name].items():
                assert not words or given[key] in words, (family.name, given)
    assert scene.pair[0].metric(f'gateway_provider_calls_total{{outcome="ok",provider="{name}"}}') == 1
    assert scene.pair[0].metric(f'gateway_provider_breaker_state{{provider="{name}",state="closed"}}') == 1


def test_an_instance_ends_cleanly_with_calls_polls_and_probes_under_way(scene: Scene) -> None:
    name = scene.fresh("polled")
    scene.control.script(name, Script(latency_ms=3_000))
    assert until(lambda: scene.control.ledger(name, "list")[-1].ended_ms is None, at_most_ms=SOON_MS)
    assert scene.pair[1].stop() == 0
    assert not [line for line in scene.pair[1].lines() if line["level"] in {"error", "critical"}]
