"""Turns over endpoints: exact in each cycle, halved once, nothing to whoever is out until a probe succeeds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.upstream.balancer import Balancer, exact
from reference_gateway.core.upstream.ports import EndpointState

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_calls.stage import Endpoint, Stage

WEIGHTS = st.lists(st.integers(1, 7), min_size=1, max_size=5)
IN, SLOW, OUT = EndpointState(), EndpointState(is_slow=True), EndpointState(is_out=True)
INTERVAL_MS = 30_000


def turns(balancer: Balancer, count: int, *endpoints: EndpointState) -> list[int]:
    return [balancer.choose(endpoints) for _ in range(count)]


@given(WEIGHTS, st.integers(0, 40))
def test_as_many_turns_as_the_weights_together_are_shared_out_exactly_wherever_one_begins(
    weights: list[int], first: int
) -> None:
    balancer = Balancer(exact([float(weight) for weight in weights]))
    endpoints = [IN] * len(weights)
    turns(balancer, first, *endpoints)
    assert Counter(turns(balancer, sum(weights), *endpoints)) == dict(enumerate(weights))


def test_the_turns_of_a_heavy_one_are_not_all_in_a_row() -> None:
    assert turns(Balancer(exact([5, 1, 1])), 7, IN, IN, IN) == [0, 0, 1, 0, 2, 0, 0]


def test_weights_that_no_float_holds_are_exact() -> None:
    balancer = Balancer(exact([0.1, 0.2, 0.7]))
    assert Counter(turns(balancer, 10_000, IN, IN, IN)) == {0: 1_000, 1: 2_000, 2: 7_000}


@given(st.lists(st.sampled_from([IN, SLOW, OUT]), min_size=2, max_size=4))
def test_what_an_endpoint_counts_is_halved_once_and_nothing_while_it_is_out(states: list[EndpointState]) -> None:
    balancer = Balancer(exact([2.0] * len(states)))
    counted = {SLOW: 1, IN: 2, OUT: 0} if set(states) != {OUT} else {OUT: 2}
    expected = {place: counted[state] for place, state in enumerate(states) if counted[state]}
    for _ in range(3):
        assert Counter(turns(balancer, sum(expected.values()), *states)) == expected


def test_a_change_begins_a_new_cycle() -> None:
    balancer = Balancer(exact([3, 2]))
    assert turns(balancer, 1, IN, IN) == [0]
    assert turns(balancer, 5, IN, IN) != turns(Balancer(exact([3, 2])), 5, IN, IN)
    turns(balancer, 1, IN, OUT)
    assert turns(balancer, 5, IN, IN) == turns(Balancer(exact([3, 2])), 5, IN, IN)


def test_another_endpoint_is_the_next_in_turn_and_keeps_its_turn() -> None:
    balancer = Balancer(exact([1, 2, 1]))
    first = balancer.choose([IN, IN, IN])
    assert (first, balancer.other([IN, IN, IN], first)) == (1, 0)
    assert turns(balancer, 3, IN, IN, IN) == [0, 2, 1]
    assert balancer.other([OUT, IN, OUT], 1) is None


def test_calls_are_shared_out_by_the_weights_on_each_instance(stage: Stage) -> None:
    stage.declare(weights=(3, 1, 2))
    assert stage.reads(12) == stage.reads(12, instance=1) == {0: 6, 1: 2, 2: 4}


def test_a_slow_endpoint_counts_half_until_it_is_quick_again(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_SLOW_S="0.1")
    first, _ = stage.declare(weights=(2, 1))
    first.latency_ms = 101
    stage.reads(15)
    for _ in range(2):
        assert stage.reads(4) == {0: 2, 1: 2}
    assert [each["effective_weight"] for each in stage.health()["p"]["endpoints"]] == [1, 1]
    assert [each["health"] for each in stage.health()["p"]["endpoints"]] == ["slow", "ok"]
    first.latency_ms = 0
    stage.reads(2)
    assert stage.reads(6) == stage.reads(6, instance=1) == {0: 4, 1: 2}


def out(stage: Stage, endpoint: Endpoint) -> None:
    """Put the first of two endpoints of the same weight out: it fails three times in a row."""
    endpoint.status = 500
    stage.reads(5)
    endpoint.status = 200


def test_three_failures_in_a_row_put_an_endpoint_out_on_all_instances(stage: Stage) -> None:
    first, _ = stage.declare(weights=(1, 1))
    out(stage, first)
    assert stage.reads(10) == stage.reads(10, instance=1) == {1: 10}
    assert stage.health(1)["p"]["endpoints"][0]["health"] == "out"


def test_without_probes_time_brings_it_back(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="0")
    first, _ = stage.declare(weights=(1, 1))
    out(stage, first)
    stage.run(INTERVAL_MS)
    assert stage.reads(10) == {0: 5, 1: 5}


def test_a_probe_brings_it_back_and_takes_it_out(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="30")
    first, _ = stage.declare(weights=(1, 1))
    first.probe = 500
    out(stage, first)
    stage.run(3 * INTERVAL_MS)
    assert stage.reads(10) == {1: 10}, "only a probe that succeeds brings it back"
    first.probe = 200
    stage.run(INTERVAL_MS + 10)
    assert stage.reads(10) == {0: 5, 1: 5}
    first.probe = 500
    stage.run(INTERVAL_MS + 10)
    assert stage.reads(10) == {1: 10}


def test_where_none_is_healthy_all_count_as_healthy(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="30", GATEWAY_BREAKER_WINDOW="1000")
    endpoints = stage.declare(weights=(1, 1))
    for endpoint in endpoints:
        endpoint.probe = 500
    stage.run(INTERVAL_MS + 10)
    assert [each["health"] for each in stage.health()["p"]["endpoints"]] == ["out", "out"]
    assert stage.reads(10) == {0: 5, 1: 5}
