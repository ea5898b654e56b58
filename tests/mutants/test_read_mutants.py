"""As `test_component_mutants`, for the read path: played on a gateway written apart from the reference."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.engine import play
from gatespec.engine.chapter import load_chapters
from gatespec.verdict import Verdict
from tests.engine.little_reads import LittleReads
from tests.mutants.court import judge, see_killed
from tests.mutants.p01_lookups import MUTANTS as P01
from tests.mutants.p02_expiry import MUTANTS as P02
from tests.mutants.p06_stampedes import MUTANTS as P06
from tests.mutants.p10_outages import MUTANTS as P10
from tests.mutants.p11_fetches import MUTANTS as P11
from tests.mutants.p20_deadlines import MUTANTS as P20
from tests.mutants.right_reads import RIGHT

MUTANTS: list[Any] = [*P01, *P02, *P06, *P10, *P11, *P20]
CHAPTERS = {name: chapter for name, chapter in load_chapters().items() if chapter.needs}
SEEDS = (1, 2)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.kills}-{m.__name__}")
def test_the_property_kills_its_mutant(mutant: type[Any]) -> None:
    see_killed(mutant.kills, mutant, LittleReads)


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_right_gateway_lives(property_id: str) -> None:
    judgement = judge(LittleReads, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


@pytest.mark.parametrize(
    ("right", "property_id"), [pytest.param(r, p, id=f"{p}-{r.__name__}") for r in RIGHT for p in r.lives]
)
def test_whoever_is_right_otherwise_lives(right: type[Any], property_id: str) -> None:
    judgement = judge(right, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_right_gateway_lives_whatever_the_dice(property_id: str, seed: int) -> None:
    judgement = judge(LittleReads, property_id, seed=seed, examples=60)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_stories_told_first_see_every_mark(property_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge(LittleReads, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
    assert judgement.distinct == len(CHAPTERS[property_id].told_first)
