"""As `test_component_mutants`, for the read path: the reference with one of its parts wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.engine import play
from gatespec.engine.chapter import load_chapters
from gatespec.verdict import Verdict
from reference_gateway.conformance import Reference
from tests.mutants.court import judge, see_killed
from tests.mutants.reference_reads.assembly import reference_with
from tests.mutants.reference_reads.p01_lookups import MUTANTS as P01
from tests.mutants.reference_reads.p02_expiry import MUTANTS as P02
from tests.mutants.reference_reads.p04_breakers import MUTANTS as P04
from tests.mutants.reference_reads.p05_open_breakers import MUTANTS as P05
from tests.mutants.reference_reads.p06_stampedes import MUTANTS as P06
from tests.mutants.reference_reads.p09_balances import MUTANTS as P09
from tests.mutants.reference_reads.p10_outages import MUTANTS as P10
from tests.mutants.reference_reads.p11_fetches import MUTANTS as P11
from tests.mutants.reference_reads.p18_credentials import MUTANTS as P18
from tests.mutants.reference_reads.p20_deadlines import MUTANTS as P20

MUTANTS: list[Any] = [*P01, *P02, *P04, *P05, *P06, *P09, *P10, *P11, *P18, *P20]
PROPERTIES = [name for name, chapter in load_chapters().items() if chapter.needs and chapter.in_process]
SEEDS = (1, 2)
LIVING_EXAMPLES = 30
SEEDED_EXAMPLES = 20
REDIS_EXAMPLES = 10
"""What a real server adds does not depend on the dice."""


@pytest.mark.parametrize("part", MUTANTS, ids=lambda part: f"{part.kills}-{part.__name__}")
def test_the_property_kills_its_mutant(part: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the stories that every run tells first: no kill hangs on the dice."""
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    see_killed(part.kills, reference_with(part), Reference)


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives(property_id: str) -> None:
    judgement = judge(Reference, property_id, examples=LIVING_EXAMPLES)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_whatever_the_dice(property_id: str, seed: int) -> None:
    judgement = judge(Reference, property_id, seed=seed, examples=SEEDED_EXAMPLES)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_on_real_redis(property_id: str, clean_redis_url: str) -> None:
    judgement = judge(Reference, property_id, redis_url=clean_redis_url, examples=REDIS_EXAMPLES)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("part", [P01[1], P02[2], P06[7], P20[0]], ids=lambda part: part.__name__)
def test_the_property_kills_its_mutant_on_real_redis(
    part: type[Any], clean_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge(reference_with(part), part.kills, redis_url=clean_redis_url)
    assert judgement.verdict is Verdict.BROKEN, judgement.reason


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_parts_make_the_right_gateway(property_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting parts together is no mistake by itself: what a mutant dies of is its own."""
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    assert judge(reference_with(object), property_id).verdict is Verdict.HOLDS
