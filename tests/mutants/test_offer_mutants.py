"""As `test_read_mutants`, for what is shown: played on a gateway that speaks Lambda, apart from the reference."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.engine import play
from gatespec.engine.chapter import load_chapters
from gatespec.verdict import Verdict
from tests.engine.little_offers import LittleOffers
from tests.mutants.court import judge, see_killed
from tests.mutants.p12_normalisation import MUTANTS as P12
from tests.mutants.p13_filters import MUTANTS as P13
from tests.mutants.right_offers import RIGHT

MUTANTS: list[Any] = [*P12, *P13]
PROPERTIES = ("P12", "P13")
SEEDS = (1, 2)
SEEDED_EXAMPLES = 40


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.kills}-{m.__name__}")
def test_the_property_kills_its_mutant(mutant: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the stories that every run tells first: no kill hangs on the dice."""
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    see_killed(mutant.kills, mutant, LittleOffers)


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives(property_id: str) -> None:
    judgement = judge(LittleOffers, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


@pytest.mark.parametrize(
    ("right", "property_id"), [pytest.param(r, p, id=f"{p}-{r.__name__}") for r in RIGHT for p in r.lives]
)
def test_whoever_is_right_otherwise_lives(right: type[Any], property_id: str) -> None:
    judgement = judge(right, property_id, examples=SEEDED_EXAMPLES)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_whatever_the_dice(property_id: str, seed: int) -> None:
    judgement = judge(LittleOffers, property_id, seed=seed, examples=SEEDED_EXAMPLES)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_stories_told_first_see_every_mark(property_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge(LittleOffers, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
    assert judgement.distinct == len(load_chapters()[property_id].told_first)
