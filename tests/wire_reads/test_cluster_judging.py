"""What is judged on a Redis Cluster of its own: only where the door allows it, and only where the cluster was used."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Needs
from gatespec.engine.court import on_whole_cluster, open_court
from gatespec.engine.docket import choose, docket
from gatespec.engine.plan import VerifyPlan
from gatespec.ports import Request
from gatespec.target import load_target
from gatespec.verdict import Verdict
from tests.cli.pretended_engine import HELD
from tests.wire_reads.conftest import POOL, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.read_ports import StoreState
    from gatespec.stack.lane import Lane, Stack
    from gatespec.target import Target
    from gatespec.verdict import Judgement

REFERENCE = Path(__file__).parents[2] / "reference_gateway" / "gateway.toml"


def judged(target: Target, out: Path) -> Judgement:
    plan = VerifyPlan(target, out, "gatespec verify", only=("P03",), tiers=("wire",), binding="cluster")
    (case,) = docket(plan, choose(plan))
    with open_court(plan) as court:
        return court.judge(case)


def test_a_gateway_that_runs_already_is_untestable_on_a_cluster(tmp_path: Path) -> None:
    judgement = judged(load_target("http://127.0.0.1:9"), tmp_path)
    assert (judgement.binding, judgement.verdict) == ("cluster", Verdict.UNTESTABLE)
    assert "its Redis is not the judge's to choose" in judgement.reason


def test_a_target_that_takes_no_cluster_is_untestable_there(tmp_path: Path) -> None:
    target = load_target(REFERENCE).model_copy(update={"redis_cluster": False})
    judgement = judged(target, tmp_path)
    assert judgement.verdict is Verdict.UNTESTABLE
    assert "redis_cluster" in judgement.reason


def test_what_holds_beside_an_idle_node_is_inconclusive() -> None:
    def lane(*commands: int) -> Lane:
        nodes = [SimpleNamespace(address=f"node-{n}", commands=asked) for n, asked in enumerate(commands)]
        return cast("Lane", SimpleNamespace(cluster=SimpleNamespace(nodes=nodes)))

    assert on_whole_cluster(HELD, lane(5, 9, 1)) == HELD
    doubted = on_whole_cluster(HELD, lane(5, 0, 0))
    assert doubted.verdict is Verdict.INCONCLUSIVE
    assert "node-1, node-2" in doubted.reason
    broken = replace(HELD, verdict=Verdict.BROKEN)
    assert on_whole_cluster(broken, lane(0, 0, 0)) == broken
    assert on_whole_cluster(HELD, cast("Lane", SimpleNamespace(cluster=None))) == HELD


@pytest.fixture(scope="module")
def clustered(stack: Stack) -> Iterator[HttpReadGateway]:
    """The reference gateway with a cluster in the test's hand, and a budget that no busy machine spends by itself."""
    settings = {**SETTINGS, "GATEWAY_REDIS_BUDGET_S": "0.5"}
    needs = Needs(POOL, store_faults=True)
    with stack.lane(load_target(REFERENCE), settings=settings, instances=2, needs=needs, on_cluster=True) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        yield gateway
        gateway.close()


def read(gateway: HttpReadGateway, names: Sequence[str], instance: int = 0) -> None:
    who = gateway.fresh("user", "enterprise")
    path = "/api/v2/providers?" + "&".join(f"provider={name}" for name in names)
    (said,) = gateway.play([Request(who, instance, path=path)])
    assert said.status == 200


def test_reads_go_on_while_no_node_answers_and_are_shared_again_afterwards(clustered: HttpReadGateway) -> None:
    clustered.begin()
    known, unknown = clustered.fresh_providers(3), clustered.fresh_providers(3)
    read(clustered, known)
    states: tuple[StoreState, ...] = ("refusing", "hanging")
    for state in states:
        clustered.store(state)
        read(clustered, unknown)
        clustered.store("well")
    clustered.begin()
    fresh = clustered.fresh_providers(6)
    for instance in (0, 1):
        read(clustered, fresh, instance)
    assert Counter(call.provider for call in clustered.calls(fresh)) == dict.fromkeys(fresh, 1)
