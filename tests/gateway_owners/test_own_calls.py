"""What a user's own credential does to a provider that others read too, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_gateway.adapters.providers.lambda_cloud import LambdaCloud
from reference_gateway.core.upstream.watching import Witness
from tests.gateway_calls.stage import Stage
from tests.gateway_reads.judge import ANN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway_reads.judge import Seen


@pytest.fixture(params=["0"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Whose lists are fresh for so many seconds."""
    stage = Stage(GATEWAY_TTL_PRICING_S=request.param)
    yield stage
    stage.driver.close()
    stage.reference.close()


def read_as(user: str, stage: Stage) -> Seen:
    """Read `p` as somebody with a credential of his own for it."""
    stage.give(user)
    ticket, sent_ms = stage.submit(credential={**ANN, "name": user}), stage.clock.ms
    stage.run(5_000)
    return stage.seen(ticket, sent_ms)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_what_is_refused_to_his_credential_says_nothing_of_the_provider(stage: Stage, status: int) -> None:
    [endpoint] = stage.declare()
    stage.read()
    well = stage.health()["p"]
    assert (well["health"], well["last_outcome"]) == ("ok", "ok")
    endpoint.status = status
    for _ in range(20):
        assert read_as("bob", stage).body["code"] == "providers-unavailable"
    told = stage.health()["p"]
    assert [told[name] for name in ("health", "last_outcome", "breaker", "calls", "failures")] == [
        "ok",
        "ok",
        "closed",
        1,
        0,
    ]
    assert [each["last_outcome"] for each in told["endpoints"]] == ["ok"]
    endpoint.status = 200
    assert stage.read().status == 200


def test_what_is_refused_to_the_house_does(stage: Stage) -> None:
    stage.declare()[0].status = 401
    stage.read()
    told = stage.health()["p"]
    assert (told["health"], told["last_outcome"]) == ("failing", "credential")


def test_a_provider_that_fails_him_fails_everybody(stage: Stage) -> None:
    stage.declare()[0].status = 500
    for _ in range(10):
        read_as("bob", stage)
    assert stage.breaker() == "open"


def test_a_witness_remembers_what_tells() -> None:
    witness = Witness(lambda: 7)
    witness.ended("p", "ok", 1, tells=True)
    witness.ended("p", "credential", 2, tells=False)
    assert (witness.of("p").call.outcome, list(witness.of("p").took_ms)) == ("ok", [1])


def test_nobody_polls_for_a_user_so_his_reads_may_call(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LambdaCloud, "polled_only", True)
    stage.declare()
    assert (stage.read().status, stage.listed()) == (503, []), "of the house's key only a poll brings anything"
    assert (read_as("bob", stage).status, stage.listed()) == (200, [0])


@pytest.mark.parametrize("stage", ["60"], indirect=True)
def test_his_sweep_goes_on_when_he_has_left(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request is bounded, as of a poll's; all of them together may take longer than a read waits."""
    monkeypatch.setattr(LambdaCloud, "polled_only", True)
    for endpoint in stage.declare(weights=(2, 1)):
        endpoint.latency_ms = 3_000
    stage.endpoints["p"][0].status = 500
    assert read_as("bob", stage).status == 504
    stage.run(2_000)
    seen = read_as("bob", stage)
    assert (seen.serials, stage.listed()) == ({"p": 2}, [0, 1])
