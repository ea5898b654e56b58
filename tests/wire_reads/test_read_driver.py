"""The judge's hands on a running gateway: every one of them moves something, and all of it is put right again."""

from __future__ import annotations

import json
import os
import signal
from decimal import Decimal
from typing import TYPE_CHECKING

import psutil
import pytest

from gatespec.clock import until
from gatespec.errors import GatespecError
from gatespec.ports import Request
from gatespec.read_ports import SERIAL_BASE_CENTS, Act
from tests.wire_reads.conftest import POOL

if TYPE_CHECKING:
    from gatespec.drivers.http_reads import HttpReadGateway
    from gatespec.ports import Exchange
    from gatespec.read_ports import Life
    from gatespec.stack.lane import Lane

SOON_MS = 20_000
TTL_MS = 5_000


def read(gateway: HttpReadGateway, provider: str, instance: int = 0) -> Exchange:
    who = gateway.fresh("user", "free")
    (said,) = gateway.play([Request(who, instance, path=f"/api/v2/providers?provider={provider}")])
    return said


def serials(said: Exchange) -> list[int]:
    """Which calls an answer's prices came from."""
    prices = [Decimal(str(item["price_per_hour"])) for item in json.loads(said.body, parse_float=Decimal)["items"]]
    return [int(price * 100) - SERIAL_BASE_CENTS for price in prices]


def test_a_fresh_providers_price_names_the_call_it_came_from(gateway: HttpReadGateway) -> None:
    (provider,) = gateway.fresh_providers(1)
    assert gateway.calls([provider]) == []
    said = read(gateway, provider)
    assert (said.status, serials(said)) == (200, [1])
    (call,) = gateway.calls([provider])
    assert (call.provider, call.serial, call.outcome) == (provider, 1, "ok")
    assert call.ended_ms is not None
    assert said.span.sent_ms <= call.began_ms <= call.ended_ms <= said.span.heard_ms


def test_a_second_read_is_served_from_what_is_known_until_it_expires(gateway: HttpReadGateway) -> None:
    (provider,) = gateway.fresh_providers(1)
    assert serials(read(gateway, provider)) == [1]
    assert serials(read(gateway, provider)) == [1]
    assert len(gateway.calls([provider])) == 1
    gateway.wait(TTL_MS)
    assert max(serials(read(gateway, provider))) == max(call.serial for call in gateway.calls([provider])) > 1


def test_no_provider_is_lent_twice_and_each_has_a_ledger_of_its_own(gateway: HttpReadGateway) -> None:
    lent = gateway.fresh_providers(3)
    read(gateway, lent[0])
    gateway.begin()
    again = gateway.fresh_providers(3)
    assert len({*lent, *again}) == 6
    assert gateway.calls(lent) == [], "what was called before this story is none of its calls"
    read(gateway, again[0])
    read(gateway, again[1])
    assert [call.provider for call in gateway.calls(again)] == [again[0], again[1]]
    assert gateway.calls([again[2]]) == []
    assert gateway.calls([]) == []


def test_a_pool_that_is_used_up_says_so(gateway: HttpReadGateway) -> None:
    with pytest.raises(GatespecError) as told:
        gateway.fresh_providers(1_000)
    assert told.value.code == "providers-exhausted"
    assert "Needs.providers" in told.value.hint


@pytest.mark.parametrize(
    ("failing", "status", "outcome"),
    [
        ("status", 503, "status"),
        ("reset", 503, "reset"),
        ("undecodable", 503, "undecodable"),
        ("hang", 504, "client-left"),
    ],
)
def test_a_provider_fails_as_told_and_is_well_again(
    gateway: HttpReadGateway, failing: str, status: int, outcome: str
) -> None:
    (provider,) = gateway.fresh_providers(1)
    gateway.provider(provider, failing=failing)  # type: ignore[arg-type] # one of `Failing`
    assert read(gateway, provider).status == status
    assert until(lambda: {c.outcome for c in gateway.calls([provider])} == {outcome}, at_most_ms=SOON_MS)
    failed = len(gateway.calls([provider]))
    gateway.provider(provider)
    assert serials(read(gateway, provider)) == [failed + 1]
    assert [(d.what, d.whom, d.how) for d in gateway.disturbances] == [
        ("provider", provider, failing),
        ("provider", provider, "well"),
    ]


def test_latency_holds_answers_back_and_failures_too(gateway: HttpReadGateway) -> None:
    slow, failing = gateway.fresh_providers(2)
    gateway.provider(slow, latency_ms=300)
    gateway.provider(failing, latency_ms=300, failing="status")
    assert serials(read(gateway, slow)) == [1]
    assert read(gateway, failing).status == 503
    for call in gateway.calls([slow, failing]):
        assert call.ended_ms is not None
        assert call.ended_ms - call.began_ms >= 300


@pytest.mark.parametrize("state", ["refusing", "hanging"])
def test_redis_fails_and_reads_are_answered_all_the_same(gateway: HttpReadGateway, state: str) -> None:
    known, new = gateway.fresh_providers(2)
    assert serials(read(gateway, known)) == [1]
    gateway.store(state)  # type: ignore[arg-type] # one of `StoreState`
    assert serials(read(gateway, known)) == [1]
    assert serials(read(gateway, new, instance=1)) == [1]
    gateway.store("well")
    assert serials(read(gateway, new, instance=1)) == [1]
    began, ended = gateway.disturbances
    assert (began.what, began.whom, began.how, began.bit) == ("store", "", state, None)
    assert (ended.how, bool(ended.bit)) == ("well", True), "the fault left no trace"
    assert began.began_ms <= began.done_ms <= ended.began_ms <= ended.done_ms


def test_a_state_that_redis_is_in_already_is_no_disturbance(gateway: HttpReadGateway) -> None:
    gateway.store("well")
    gateway.life(0, "running")
    assert gateway.disturbances == []


def test_a_paused_instance_is_silent_and_goes_on_where_it_stood(gateway: HttpReadGateway, lane: Lane) -> None:
    (provider,) = gateway.fresh_providers(1)
    gateway.life(1, "paused")
    assert psutil.Process(lane.instances[1].pid).status() == psutil.STATUS_STOPPED
    assert serials(read(gateway, provider, instance=0)) == [1]
    pid = lane.instances[1].pid
    gateway.life(1, "running")
    assert lane.instances[1].pid == pid
    assert read(gateway, provider, instance=1).status == 200
    assert [(d.whom, d.how) for d in gateway.disturbances] == [("1", "paused"), ("1", "running")]


def test_a_killed_instance_is_gone_and_comes_back_where_it_was(gateway: HttpReadGateway, lane: Lane) -> None:
    (provider,) = gateway.fresh_providers(1)
    assert read(gateway, provider, instance=1).status == 200
    before = lane.instances[1].pid
    gateway.life(1, "killed")
    assert lane.instances[1].how_it_ended == " by SIGKILL"
    assert read(gateway, provider, instance=1).status is None
    assert read(gateway, provider, instance=0).status == 200
    gateway.life(1, "running")
    assert lane.instances[1].pid != before
    assert lane.instances[1].url == lane.urls[1]
    assert read(gateway, provider, instance=1).status == 200


def test_a_paused_instance_can_be_killed(gateway: HttpReadGateway, lane: Lane) -> None:
    gateway.life(0, "paused")
    gateway.life(0, "killed")
    assert not lane.instances[0].alive
    gateway.life(0, "running")
    lane.alive()


def becomes(gateway: HttpReadGateway, instance: int, life: Life, provider: str) -> None:
    """In the middle of a call, however slow the machine is."""
    assert until(lambda: bool(gateway.calls([provider])), at_most_ms=SOON_MS)
    gateway.life(instance, life)


def test_an_instance_stops_in_the_middle_of_its_call_and_goes_on(gateway: HttpReadGateway) -> None:
    (provider,) = gateway.fresh_providers(1)
    gateway.provider(provider, latency_ms=300)
    asked = Request(gateway.fresh("user", "free"), path=f"/api/v2/providers?provider={provider}")
    pauses = Act(0, lambda: becomes(gateway, 0, "paused", provider))
    resumes = Act(500, lambda: gateway.life(0, "running"))
    (said,) = gateway.during([asked], resumes, pauses)
    call = gateway.calls([provider])[0]
    _, paused, running = gateway.disturbances
    assert said.status is not None, "whatever it says after so long a silence, it says it"
    assert (paused.how, running.how) == ("paused", "running")
    assert said.span.sent_ms < paused.began_ms < paused.done_ms < running.began_ms < said.span.heard_ms
    assert call.began_ms < running.began_ms


def test_an_instance_dies_in_the_middle_of_its_call(gateway: HttpReadGateway) -> None:
    (provider,) = gateway.fresh_providers(1)
    gateway.provider(provider, latency_ms=1_000)
    who, path = gateway.fresh("user", "free"), f"/api/v2/providers?provider={provider}"
    dies = Act(0, lambda: becomes(gateway, 1, "killed", provider))
    (said,) = gateway.during([Request(who, 1, path=path)], dies)
    assert said.status is None
    assert until(lambda: gateway.calls([provider])[0].outcome == "client-left", at_most_ms=SOON_MS)
    assert said.span.heard_ms >= gateway.disturbances[-1].began_ms


def test_everything_is_put_right_before_the_next_story(gateway: HttpReadGateway, lane: Lane) -> None:
    (provider,) = gateway.fresh_providers(1)
    gateway.store("hanging")
    gateway.life(0, "killed")
    gateway.life(1, "paused")
    gateway.begin()
    lane.alive()
    assert gateway.disturbances == []
    assert gateway.calls([provider]) == []
    (other,) = gateway.fresh_providers(1)
    assert serials(read(gateway, other)) == [1]
    assert read(gateway, other, instance=1).status == 200


def test_an_instance_that_died_by_itself_is_told_and_not_mended(gateway: HttpReadGateway, lane: Lane) -> None:
    instance = lane.instances[1]
    os.kill(instance.pid, signal.SIGKILL)
    assert until(lambda: not instance.alive, at_most_ms=SOON_MS)
    (provider,) = gateway.fresh_providers(1)
    assert read(gateway, provider, instance=1).status is None
    with pytest.raises(GatespecError, match="died by SIGKILL"):
        gateway.begin()
    instance.start()
    instance.ready()
    gateway.begin()


def test_a_pool_that_runs_low_is_renewed_before_the_next_story(gateway: HttpReadGateway, lane: Lane) -> None:
    assert lane.pool
    before, pids = lane.pool.names, [instance.pid for instance in lane.instances]
    gateway.fresh_providers(POOL // 2 + 1)
    gateway.begin()
    assert {*before}.isdisjoint(lane.pool.names)
    assert len(lane.pool.names) == POOL
    assert {*pids}.isdisjoint(instance.pid for instance in lane.instances)
    (provider,) = gateway.fresh_providers(1)
    assert serials(read(gateway, provider)) == [1]
    assert read(gateway, provider, instance=1).status == 200


def test_a_running_gateway_throws_its_own_dice(gateway: HttpReadGateway) -> None:
    assert gateway.dice(7) is False
