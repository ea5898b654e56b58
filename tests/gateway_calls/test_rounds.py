"""Probes and polls: once in their time by one of all instances, never while open, and as calls where they are calls."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from reference_gateway.adapters.providers.lambda_cloud import LambdaCloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_calls.stage import Endpoint, Stage

INTERVAL_MS = 30_000
OPEN_MS = 30_000
LATE_MS = 10
PROBED = {"GATEWAY_HEALTH_INTERVAL_S": "30"}
SWEEP_MS = 9_000


def open_breaker(stage: Stage, endpoint: Endpoint) -> None:
    endpoint.status = 500
    stage.reads(10)
    assert stage.breaker() == "open"


def moments(stage: Stage, kind: str, endpoint: int = 0) -> list[int]:
    return [seen.at_ms for seen in stage.ledger if (seen.kind, seen.endpoint) == (kind, endpoint)]


def test_each_endpoint_is_probed_once_in_its_time_by_one_of_all(stages: Callable[..., Stage]) -> None:
    stage = stages(**PROBED)
    stage.declare(weights=(1, 1, 1))
    stage.run(10 * INTERVAL_MS)
    for endpoint in range(3):
        gaps = [later - earlier for earlier, later in pairwise(moments(stage, "probe", endpoint))]
        assert len(gaps) >= 8
        assert all(INTERVAL_MS <= gap <= INTERVAL_MS + LATE_MS for gap in gaps), gaps
    firsts = {moments(stage, "probe", endpoint)[0] for endpoint in range(3)}
    assert len(firsts) == 3, "not all at once"
    assert stage.health()["p"]["calls"] == 0


def test_when_the_instance_that_probes_is_lost_another_takes_over(stages: Callable[..., Stage]) -> None:
    stage = stages(**PROBED)
    stage.declare()
    stage.run(2 * INTERVAL_MS)
    whose = stage.probed()[-1].instance
    stage.driver.life(whose, "killed")
    before = len(stage.probed())
    stage.run(2 * INTERVAL_MS)
    assert {seen.instance for seen in stage.probed()[before:]} == {1 - whose}


def test_no_probe_is_sent_while_the_breaker_is_not_closed(stages: Callable[..., Stage]) -> None:
    stage = stages(**PROBED)
    [endpoint] = stage.declare()
    stage.run(INTERVAL_MS)
    open_breaker(stage, endpoint)
    before = len(stage.probed())
    stage.run(OPEN_MS + INTERVAL_MS)
    assert len(stage.probed()) == before
    endpoint.status = 200
    stage.read()
    stage.run(4_000)
    assert (stage.breaker(), len(stage.probed())) == ("half-open", before)
    stage.reads(2)
    stage.run(INTERVAL_MS)
    assert len(stage.probed()) > before


def test_a_poll_fills_the_cache_of_all_before_anybody_reads(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_TTL_PRICING_S="60", GATEWAY_POLL_S="20")
    stage.declare(poll_s=None)
    stage.run(20_000)
    polled = len(stage.listed())
    assert polled >= 1
    for instance in (0, 1):
        seen = stage.read(instance)
        assert (seen.took_ms, seen.warnings) == (0, [])
    assert len(stage.listed()) == polled


def test_polls_come_once_in_their_time_whatever_is_fresh(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_TTL_PRICING_S="60")
    stage.declare(poll_s=5)
    stage.run(50_000)
    gaps = [later - earlier for earlier, later in pairwise(moments(stage, "list"))]
    assert len(gaps) >= 8
    assert all(5_000 <= gap <= 5_000 + LATE_MS for gap in gaps), gaps
    assert stage.health()["p"]["calls"] == len(gaps) + 1, "a poll is a call"


def test_polls_are_withheld_while_open_and_are_trials_after(stages: Callable[..., Stage]) -> None:
    stage = stages()
    [endpoint] = stage.declare(poll_s=2)
    stage.run(2_000)
    open_breaker(stage, endpoint)
    before = len(stage.listed())
    stage.run(OPEN_MS - 1)
    assert len(stage.listed()) == before
    stage.run(2_000)
    assert len(stage.listed()) == before + 1
    assert stage.breaker() == "open"


@pytest.mark.usefixtures("polled_only")
def test_what_only_polls_read_no_read_calls(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_TTL_PRICING_S="60")
    [endpoint] = stage.declare(poll_s=300)
    stage.declare("q", poll_s=0)
    nothing = stage.read(path="/api/v2/providers?provider=p")
    assert (nothing.status, nothing.took_ms, stage.listed()) == (503, 0, [])
    endpoint.latency_ms = 3_000
    stage.run(10_000)
    assert stage.listed() == [0]
    stage.run(3_000)
    assert stage.read().serials == stage.read(1).serials == {"p": 1}
    stage.run(150_000)
    for instance in (0, 1):
        seen = stage.read(instance)
        assert (seen.serials, seen.warnings, seen.took_ms) == ({"p": 1}, [("p", "stale")], 0)
    assert stage.listed() == [0]


@pytest.mark.usefixtures("polled_only")
def test_while_a_sweep_is_under_way_readers_do_not_wait_for_it(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_TTL_PRICING_S="1")
    [endpoint] = stage.declare(poll_s=20)
    stage.run(10_000)
    endpoint.latency_ms = 3_500
    while len(stage.listed()) < 2:
        stage.run(1_000)
    for instance in (0, 1):
        seen = stage.read(instance)
        assert (seen.serials, seen.warnings, seen.took_ms) == ({"p": 1}, [("p", "stale")], 0)


@pytest.fixture
def polled_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that takes too long for a read, whoever's it is."""
    monkeypatch.setattr(LambdaCloud, "polled_only", True)
