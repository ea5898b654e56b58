"""Where there is no credential that a provider could be shown, he gets no call, no probe, and nothing is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway_reads.judge import ANN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.gateway_calls.stage import Stage

HOUSE = "providers/p"
REFRESH_MS = 300_000
UNFIT: list[Mapping[str, str]] = [
    {},
    {"token": "under another name"},
    {"api_key": ""},
    {"api_key": "two\r\nlines"},
    {"api_key": "ünicode"},
]


@pytest.mark.parametrize("fields", UNFIT, ids=["none", "misnamed", "empty", "breaks-out", "no-ascii"])
def test_what_cannot_be_shown_makes_no_call_and_counts_for_nothing(
    stages: Callable[..., Stage], fields: Mapping[str, str]
) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="0")
    stage.declare()
    stage.secrets[HOUSE] = fields
    for _ in range(20):
        assert stage.read().status == 503
    assert stage.ledger == []
    assert stage.breaker() == "closed"
    stage.secrets[HOUSE] = {"api_key": "good"}
    stage.run(REFRESH_MS)
    assert stage.read().serials == {"p": 1}, "a window full of failures would be open now"


def test_the_last_known_offers_are_shown_while_there_is_none(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="0")
    stage.declare("p")
    stage.declare("q")
    assert stage.read().serials == {"p": 1}
    stage.secrets[HOUSE] = stage.secrets["providers/q"] = {"client_id": "of another API"}
    stage.run(REFRESH_MS)
    shown = stage.read(path="/api/v2/providers?provider=p&provider=q")
    assert (shown.serials, shown.warnings) == ({"p": 1}, [("p", "stale"), ("q", "no-credential")])
    assert len(stage.ledger) == 1


def test_nobody_is_probed_with_nothing(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="30")
    stage.declare()
    stage.secrets[HOUSE] = {"misnamed": "x"}
    stage.run(120_000)
    assert stage.probed() == []
    assert stage.health()["p"]["endpoints"][0]["health"] != "out", "nobody asked, so nobody failed"
    stage.secrets[HOUSE] = {"api_key": "good"}
    stage.run(REFRESH_MS + 60_000)
    assert stage.probed() != []


def test_a_user_whose_own_is_unfit_is_not_served_with_the_houses(stages: Callable[..., Stage]) -> None:
    stage = stages(GATEWAY_HEALTH_INTERVAL_S="0")
    stage.declare()
    stage.secrets["users/ann/providers/p"] = {"misnamed": "x"}
    ticket = stage.submit(credential=ANN)
    stage.run(5_000)
    assert stage.seen(ticket).status == 503
    assert stage.ledger == []
