"""One call after the other: what counts, what is attempted once more, and what readers are told of calls never made."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from reference_gateway.core.credentials.manager import VaultCredentialManager
from tests.gateway_reads.judge import ANN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_calls.stage import Endpoint, Stage

OPEN_MS = 30_000
TRIAL_MS = 5_000


def fail(endpoint: Endpoint, stage: Stage, calls: int = 10) -> None:
    """Open the breaker."""
    endpoint.status = 500
    stage.reads(calls)
    assert stage.breaker() == "open"


def test_a_failed_attempt_is_made_once_more_at_another_endpoint_and_both_are_one_call(stage: Stage) -> None:
    first, _ = stage.declare(weights=(2, 1))
    first.status = 500
    assert [stage.read().status for _ in range(3)] == [200, 200, 200]
    assert stage.listed() == [0, 1, 1, 0, 1], "of three turns two are the first's; what it fails the second makes good"
    health = stage.health()["p"]
    assert (health["breaker"], health["calls"], health["failures"]) == ("closed", 3, 0)


def test_a_call_that_fails_at_both_endpoints_is_one_failure(stage: Stage) -> None:
    for endpoint in stage.declare(weights=(1, 1)):
        endpoint.status = 500
    assert stage.read().status == 503
    assert stage.listed() == [0, 1]
    assert [stage.health()["p"][name] for name in ("calls", "failures")] == [1, 1]


def test_alone_an_endpoint_is_asked_once(stage: Stage) -> None:
    stage.declare()[0].status = 500
    assert stage.read().status == 503
    assert stage.listed() == [0]


def test_an_attempt_that_took_all_the_time_leaves_none_for_another(stage: Stage) -> None:
    first, _ = stage.declare(weights=(2, 1))
    first.latency_ms = None
    assert stage.read().took_ms == 4_000
    assert stage.listed() == [0]


def test_both_attempts_are_within_one_time_out(stage: Stage) -> None:
    first, second = stage.declare(weights=(2, 1))
    first.status, first.latency_ms, second.latency_ms = 500, 3_000, None
    seen = stage.read()
    assert (seen.status, seen.took_ms, stage.listed()) == (504, 4_000, [0, 1])


def test_while_open_nobody_calls_and_readers_get_what_is_known(stage: Stage) -> None:
    [endpoint] = stage.declare()
    stage.read()
    fail(endpoint, stage)
    before = len(stage.listed())
    for instance in (0, 1):
        seen = stage.read(instance)
        assert (seen.serials, seen.warnings, seen.took_ms) == ({"p": 1}, [("p", "stale")], 0)
        assert "left alone" in seen.body["warnings"][0]["detail"]
    assert len(stage.listed()) == before


def test_while_open_who_knows_nothing_leaves_it_out_and_says_so(stage: Stage) -> None:
    [endpoint] = stage.declare()
    stage.declare("q")
    fail(endpoint, stage)
    seen = stage.read(path="/api/v2/providers?provider=p&provider=q")
    assert (seen.status, seen.serials, seen.warnings) == (200, {"q": 1}, [("p", "breaker-open")])
    alone = stage.read()
    assert (alone.status, alone.body["code"]) == (503, "providers-unavailable")


def test_half_open_a_failed_trial_is_attempted_once_only(stage: Stage) -> None:
    endpoints = stage.declare(weights=(1, 1))
    for endpoint in endpoints:
        endpoint.status = 500
    stage.reads(10)
    stage.run(OPEN_MS)
    before = len(stage.listed())
    stage.read()
    assert len(stage.listed()) - before == 1
    assert stage.breaker() == "open"


def test_three_trials_close_it(stage: Stage) -> None:
    [endpoint] = stage.declare()
    fail(endpoint, stage)
    endpoint.status = 200
    stage.run(OPEN_MS)
    assert [stage.read(n % 2).status for n in range(3)] == [200, 200, 200]
    assert (stage.breaker(), stage.health()["p"]["calls"]) == ("closed", 0)


def test_at_half_open_no_more_than_the_trials_run_over_all_instances(stage: Stage) -> None:
    [endpoint] = stage.declare()
    fail(endpoint, stage)
    endpoint.status, endpoint.latency_ms = 200, 1_000
    stage.run(OPEN_MS)
    before = len(stage.listed())
    tickets = [ticket for instance in (0, 1) for ticket in stage.at_once(4, instance)]
    stage.run(0)
    assert len(stage.listed()) - before == 3
    stage.run(1_000)
    codes = sorted(stage.seen(ticket).status for ticket in tickets)
    assert codes == [200, 200, 200, 503, 503, 503, 503, 503]
    assert stage.breaker() == "closed"


def test_the_trial_of_a_lost_instance_counts_as_failed(stage: Stage) -> None:
    [endpoint] = stage.declare()
    fail(endpoint, stage)
    endpoint.status, endpoint.latency_ms = 200, 3_000
    stage.run(OPEN_MS)
    stage.submit()
    stage.run(1_000)
    stage.driver.life(0, "killed")
    stage.run(TRIAL_MS - 1_000)
    assert stage.breaker(instance=1) == "open"
    stage.run(OPEN_MS - 1)
    before = len(stage.listed())
    stage.submit(instance=1)
    stage.run(0)
    assert len(stage.listed()) == before
    stage.run(1_000)
    stage.submit(instance=1)
    stage.run(0)
    assert len(stage.listed()) == before + 1


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_what_is_no_failure_of_the_provider_never_enters_the_window(stage: Stage, status: int) -> None:
    endpoints = stage.declare(weights=(1, 1))
    for endpoint in endpoints:
        endpoint.status = status
    stage.reads(20)
    assert len(stage.listed()) == 20, "nor is it attempted again elsewhere"
    health = stage.health()["p"]
    assert (health["breaker"], health["calls"]) == ("closed", 0)
    assert {each["health"] for each in health["endpoints"]} == {"ok"}


@pytest.mark.parametrize("status", [401, 429])
def test_a_trial_without_a_countable_result_counts_as_failed(stage: Stage, status: int) -> None:
    [endpoint] = stage.declare()
    fail(endpoint, stage)
    endpoint.status = status
    stage.run(OPEN_MS)
    stage.read()
    assert stage.breaker() == "open"


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_the_provider_asks_for_is_kept_by_all(stage: Stage, status: int) -> None:
    endpoints = stage.declare(weights=(1, 1))
    for endpoint in endpoints:
        endpoint.status, endpoint.headers = status, {"retry-after": "7"}
    stage.read()
    assert stage.listed() == [0], "no other endpoint is asked either"
    for endpoint in endpoints:
        endpoint.status = 200
    stage.run(6_999)
    stage.declare("q")
    seen = stage.read(1, "/api/v2/providers?provider=p&provider=q")
    assert (seen.warnings, seen.took_ms) == ([("p", "overloaded")], 0)
    assert stage.listed() == [0]
    stage.run(1)
    assert stage.read(1).status == 200


def test_a_provider_is_called_no_faster_than_its_rate_and_who_can_wait_waits(stage: Stage) -> None:
    stage.declare(rate_per_s=1.0)
    tickets = stage.at_once(3, 0) + stage.at_once(3, 1)
    stage.run(5_000)
    moments = [seen.at_ms for seen in stage.ledger]
    assert [later - earlier >= 1_000 for earlier, later in pairwise(moments)] == [True] * 3
    answers = sorted(stage.seen(ticket).status for ticket in tickets)
    assert answers == [200, 200, 200, 200, 503, 503], "four have their call within the time-out"


def test_a_user_with_a_credential_of_his_own_has_a_key_of_his_own(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_TTL_PRICING_S="60")
    stage.declare()
    stage.give("ann")
    ann, house = ANN, {**ANN, "name": "bob"}
    answers = [stage.submit(credential=credential) for credential in (ann, house, ann, house)]
    stage.run(0)
    assert [stage.seen(ticket).serials["p"] for ticket in answers] == [1, 2, 1, 2]
    elsewhere = [stage.submit(instance=1, credential=credential) for credential in (ann, house)]
    stage.run(0)
    assert [stage.seen(ticket).serials["p"] for ticket in elsewhere] == [1, 2]


def test_without_the_store_each_instance_goes_by_itself(stage: Stage) -> None:
    [endpoint] = stage.declare()
    stage.driver.store("refusing")
    endpoint.status = 500
    stage.reads(10)
    assert (stage.breaker(instance=0), stage.breaker(instance=1)) == ("open", "closed")


def test_a_refused_credential_is_read_anew_and_tried_once_more_where_it_was_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = stage.declare(weights=(2, 1))
    asked: list[str] = []

    async def refresh(_: VaultCredentialManager, key: str, refused: object) -> bool:
        asked.append(key)
        assert refused
        endpoints[0].status = 200
        return True

    monkeypatch.setattr(VaultCredentialManager, "refresh", refresh)
    endpoints[0].status = 401
    assert stage.read().status == 200
    assert (stage.listed(), asked) == ([0, 0], ["house/p"])
    for endpoint in endpoints:
        endpoint.status = 500
    stage.reads(10)
    stage.run(OPEN_MS)
    before = len(stage.listed())
    for endpoint in endpoints:
        endpoint.status = 401
    stage.read()
    assert len(stage.listed()) == before + 1, "a trial is attempted once"
    assert (stage.breaker(), asked) == ("open", ["house/p", "house/p"])
