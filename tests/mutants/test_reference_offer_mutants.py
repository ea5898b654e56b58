"""As `test_offer_mutants`, on the reference with one of its parts wrong, and every adapter that has a table."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.engine import play
from gatespec.hand_tables import hand_tables
from gatespec.verdict import Verdict
from reference_gateway.adapters.providers import reading
from reference_gateway.conformance import Reference
from tests.mutants.court import judge, see_killed, story_of
from tests.mutants.reference_reads.assembly import reference_with
from tests.mutants.reference_reads.p12_offers import MUTANTS as P12
from tests.mutants.reference_reads.p12_offers import oldest_wins
from tests.mutants.reference_reads.p13_selection import MUTANTS as P13

ADAPTERS = tuple(hand_tables())
FEW = ("vultr", "shadeform")
"""One with pages and spot machines, one that says what is not for rent."""
PROPERTIES = ("P12", "P13")
SEEDED_EXAMPLES = 20


@pytest.mark.parametrize("part", [*P12, *P13], ids=lambda part: f"{part.kills}-{part.__name__}")
def test_the_property_kills_its_mutant(part: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    see_killed(part.kills, reference_with(part), Reference, FEW)


def test_an_older_page_that_wins_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    with monkeypatch.context() as mistaken:
        mistaken.setattr(reading, "merge", oldest_wins)
        judgement = judge(Reference, "P12", adapters=("digitalocean",))
    assert judgement.verdict is Verdict.BROKEN, judgement.reason
    assert judgement.failure is not None
    told_of_the_right_one = judge(Reference, "P12", adapters=("digitalocean",), replay=story_of(judgement.failure))
    assert told_of_the_right_one.failure is None


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_with_every_adapter(property_id: str) -> None:
    judgement = judge(Reference, property_id, adapters=ADAPTERS, examples=SEEDED_EXAMPLES)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_with_every_adapter_on_real_redis(property_id: str, clean_redis_url: str) -> None:
    judgement = judge(
        Reference, property_id, adapters=ADAPTERS, redis_url=clean_redis_url, seed=1, examples=SEEDED_EXAMPLES
    )
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
