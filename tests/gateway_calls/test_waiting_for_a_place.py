"""Places: never more in flight than the limit, none lost whatever ends a call, and refused at once when full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gateway_calls.stage import Stage


def in_flight(stage: Stage, instance: int = 0) -> tuple[int, int]:
    health = stage.driver.instances[instance].calls.of("p").places
    return health.in_flight, health.waiting


def test_no_instance_has_more_calls_in_flight_than_the_limit(stage: Stage) -> None:
    [endpoint] = stage.declare(concurrency=2, queue=10)
    endpoint.latency_ms = 1_000
    tickets = stage.at_once(5, 0) + stage.at_once(5, 1)
    for expected in (4, 8, 10):
        stage.run(0)
        assert len(stage.listed()) == expected
        stage.run(1_000)
    assert {stage.seen(ticket).status for ticket in tickets} == {200}
    assert in_flight(stage) == (0, 0)


def test_with_all_waiting_places_taken_the_next_is_refused_at_once(stage: Stage) -> None:
    [endpoint] = stage.declare(concurrency=1, queue=2)
    stage.declare("q")
    endpoint.latency_ms = 1_000
    tickets = stage.at_once(3)
    stage.run(1)
    seen = stage.read(path="/api/v2/providers?provider=p&provider=q")
    assert (seen.took_ms, seen.warnings) == (0, [("p", "overloaded")])
    assert stage.read().status == 503
    stage.run(3_000)
    assert {stage.seen(ticket).status for ticket in tickets} == {200}


def test_who_waits_too_long_is_told_so_and_leaves_the_queue(stage: Stage) -> None:
    [endpoint] = stage.declare(concurrency=1, queue=10)
    stage.declare("q")
    endpoint.latency_ms = 3_000
    stage.at_once(2)
    stage.run(0)
    seen = stage.read(path="/api/v2/providers?provider=p&provider=q")
    assert (seen.took_ms, seen.warnings) == (4_000, [("p", "overloaded")])
    stage.run(5_000)
    assert in_flight(stage) == (0, 0)
    assert len(stage.listed()) == 2


@pytest.mark.parametrize(("status", "latency_ms"), [(500, 100), (200, None), (None, 100), (429, 0)])
def test_a_call_that_fails_gives_its_place_back(stage: Stage, status: int | None, latency_ms: int | None) -> None:
    [endpoint] = stage.declare(concurrency=2, queue=0)
    endpoint.status, endpoint.latency_ms = status, latency_ms
    stage.at_once(2)
    stage.run(4_000)
    assert in_flight(stage) == (0, 0)
    endpoint.status, endpoint.latency_ms = 200, 0
    assert stage.read().status == 200


def test_while_open_nobody_waits_for_a_place(stage: Stage) -> None:
    """All places are taken by calls that began while it was closed, and the breaker opens on the other instance."""
    [endpoint] = stage.declare(concurrency=1, queue=10)
    endpoint.latency_ms = 3_000
    stage.at_once(1)
    stage.run(0)
    endpoint.status, endpoint.latency_ms = 500, 0
    stage.reads(10, instance=1)
    assert stage.breaker() == "open"
    assert (stage.read().took_ms, stage.read().status) == (0, 503)


def test_a_trial_never_waits_for_a_place(stage: Stage) -> None:
    """The place comes first: whoever waits has no trial yet, so none is lost in the queue."""
    [endpoint] = stage.declare(concurrency=1, queue=10)
    endpoint.status = 500
    stage.reads(10)
    stage.run(30_000)
    endpoint.status, endpoint.latency_ms = 200, 1_500
    before = len(stage.listed())
    tickets = stage.at_once(3, 0)
    stage.run(0)
    tickets += stage.at_once(1, 1)
    stage.run(0)
    assert len(stage.listed()) == before + 2, "the other instance has a trial that nobody took into a queue"
    stage.run(6_000)
    assert {stage.seen(ticket).status for ticket in tickets} == {200}
    assert stage.breaker() == "closed"
