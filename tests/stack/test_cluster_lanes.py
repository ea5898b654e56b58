"""A lane on a Redis Cluster of its own: whoever follows the nodes' word to another node goes through the proxy too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import redis
from redis.cluster import RedisCluster as Client

from gatespec.clock import until
from gatespec.drivers.store import Store
from gatespec.engine.chapter import Needs
from gatespec.proxy.faults import Fault
from gatespec.stack import ports
from gatespec.stack.lane import Stack
from gatespec.target import load_target
from tests.stack.test_needs import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.lane import Lane

TARGET = load_target(Path(__file__).parent / "gateway.toml")
KEYS = [f"{{{number}}}" for number in range(60)]
"""Enough that each node has some."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATESPEC_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        with Stack.start(tmp_path_factory.mktemp("out"), purpose="tests") as stack:
            yield stack


@pytest.fixture(scope="module")
def breakable(stack: Stack) -> Iterator[Lane]:
    with stack.lane(TARGET, settings={}, needs=Needs(2, store_faults=True), on_cluster=True) as lane:
        yield lane


def given_nodes(lane: Lane) -> list[str]:
    """The nodes that its gateway is told of."""
    url: str = told(lane)["GATEWAY_REDIS_URL"]
    scheme, _, nodes = url.partition("://")
    assert scheme == "redis+cluster"
    return nodes.split(",")


def client_of(address: str) -> Client:
    """A client that knows one node, and follows it to the others."""
    host, _, port = address.rpartition(":")
    return Client(host=host, port=int(port), socket_timeout=1.0)


def test_a_client_that_follows_a_nodes_word_stays_behind_the_proxy(breakable: Lane) -> None:
    cluster, lines = breakable.cluster, breakable.lines
    assert cluster
    assert lines
    addresses = [each.line.address for each in lines.redis]
    assert given_nodes(breakable) == addresses
    assert {node.address for node in cluster.nodes}.isdisjoint(addresses)
    before = [each.line.evidence().passed_up for each in lines.redis]
    with client_of(addresses[0]) as client:
        assert all(client.set(key, 1) for key in KEYS)
        assert {f"{node.host}:{node.port}" for node in client.get_nodes()} == {*addresses}
    after = [each.line.evidence().passed_up for each in lines.redis]
    assert all(now > then for then, now in zip(before, after, strict=True))
    assert all(node.commands for node in cluster.nodes)


@pytest.mark.parametrize("state", ["refusing", "hanging"])
def test_redis_breaks_on_every_node_and_is_mended_on_every_node(breakable: Lane, state: str) -> None:
    cluster, lines = breakable.cluster, breakable.lines
    assert cluster
    assert lines
    store = Store(lines.redis)
    assert store.become("hanging" if state == "hanging" else "refusing") is None
    for each, node in zip(lines.redis, cluster.nodes, strict=True):
        with redis.Redis.from_url(each.url, socket_timeout=0.5, retry=None) as far, pytest.raises(redis.RedisError):
            far.ping()
        with node.client() as near:
            assert near.ping()
    assert store.become("well") is not None
    with client_of(lines.redis[1].line.address) as client:
        assert all(client.set(key, 2) for key in KEYS)
        assert all(store.heard_by)


def test_a_node_that_comes_back_announces_what_it_did_before(breakable: Lane) -> None:
    cluster, lines = breakable.cluster, breakable.lines
    assert cluster
    assert lines
    cluster.nodes[2].kill()
    cluster.nodes[2].start()
    cluster.ready()
    with client_of(lines.redis[0].line.address) as client:
        assert {node.port for node in client.get_nodes()} == {each.line.port for each in lines.redis}


def test_a_lane_without_faults_goes_straight_to_its_nodes(stack: Stack, breakable: Lane) -> None:
    with stack.lane(TARGET, settings={}, on_cluster=True) as lane:
        assert lane.cluster
        assert lane.lines is None
        assert given_nodes(lane) == [node.address for node in lane.cluster.nodes]
        assert breakable.cluster
        assert not {*lane.cluster.address.split(",")} & {*breakable.cluster.address.split(",")}
        assert lane.binding == "cluster"
        (described,) = [service for service in lane.services if service.role.startswith("Redis Cluster")]
        assert described.role == "Redis Cluster, 3 nodes"
        assert described.address == lane.cluster.address
        assert all(lane.logs[node.name].is_file() for node in lane.cluster.nodes)


def test_what_fails_on_one_cluster_fails_on_no_other(stack: Stack, breakable: Lane) -> None:
    assert breakable.lines
    with stack.lane(TARGET, settings={}, on_cluster=True) as lane:
        breakable.lines.redis[0].line.impose(Fault("cut"))
        try:
            with client_of(given_nodes(lane)[0]) as client:
                assert all(client.set(key, 1) for key in KEYS)
        finally:
            breakable.lines.redis[0].line.heal()


def test_it_ends_with_its_lane(stack: Stack) -> None:
    with stack.lane(TARGET, settings={}, on_cluster=True) as lane:
        assert lane.cluster
        nodes = [(node.pid, node.port) for node in lane.cluster.nodes]
    assert not any(psutil.pid_exists(pid) or ports.is_taken(port) for pid, port in nodes)


def test_the_judges_own_looks_are_no_use_of_a_node(stack: Stack) -> None:
    with stack.lane(TARGET, settings={}, on_cluster=True) as lane:
        assert lane.cluster
        assert [node.commands for node in lane.cluster.nodes] == [0, 0, 0]


def test_a_replica_takes_over_behind_the_proxy_and_the_killed_master_follows_it(stack: Stack) -> None:
    needs = Needs(2, store_faults=True, redis_replicas=1)
    with stack.lane(TARGET, settings={}, needs=needs, on_cluster=True) as lane:
        cluster, lines = lane.cluster, lane.lines
        assert cluster
        assert lines
        assert len(cluster.nodes) == len(lines.redis) == 6
        before = cluster.shards(cluster.nodes[1])
        assert set(before) == {node.name for node in cluster.nodes[:3]}
        cluster.nodes[0].kill()
        assert until(lambda: cluster.nodes[3].name in cluster.shards(cluster.nodes[1]), at_most_ms=30_000)
        assert cluster.shards(cluster.nodes[1])[cluster.nodes[3].name] == before[cluster.nodes[0].name]
        cluster.nodes[0].start()
        cluster.ready()
        assert set(cluster.shards(cluster.nodes[0])) == {node.name for node in cluster.nodes[1:4]}
        with client_of(lines.redis[0].line.address) as client:
            assert all(client.set(key, 1) for key in KEYS)
        assert lane.secrets
        assert lane.secrets.search().sizes["redis"] >= 2 * sum(map(len, KEYS))
