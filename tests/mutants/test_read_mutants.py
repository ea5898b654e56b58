"""As `test_component_mutants`, for the read path: played on a gateway written apart from the reference."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.engine import play
from gatespec.engine.chapter import load_chapters
from gatespec.verdict import Verdict
from tests.engine.little_balancer import LittleBalancer
from tests.engine.little_calls import LittleCalls
from tests.engine.little_reads import LittleReads
from tests.engine.little_vault import LittleVaulted
from tests.mutants.court import judge, see_killed
from tests.mutants.p01_lookups import MUTANTS as P01
from tests.mutants.p02_expiry import MUTANTS as P02
from tests.mutants.p04_breakers import MUTANTS as P04
from tests.mutants.p05_open_breakers import MUTANTS as P05
from tests.mutants.p06_stampedes import MUTANTS as P06
from tests.mutants.p10_outages import MUTANTS as P10
from tests.mutants.p11_fetches import MUTANTS as P11
from tests.mutants.p18_credentials import MUTANTS as P18
from tests.mutants.p19_secrecy import MUTANTS as P19
from tests.mutants.p20_deadlines import MUTANTS as P20
from tests.mutants.right_calls import RIGHT as RIGHT_CALLS
from tests.mutants.right_reads import RIGHT as RIGHT_READS

RIGHT: list[Any] = [*RIGHT_READS, *RIGHT_CALLS]
MUTANTS: list[Any] = [*P01, *P02, *P04, *P05, *P06, *P10, *P11, *P18, *P19, *P20]
OF_OFFERS = {"P12", "P13"}
"""They read what the little read path does not show."""
CHAPTERS = {
    n: chapter for n, chapter in load_chapters().items() if chapter.needs and chapter.in_process and n not in OF_OFFERS
}
PLAYED_ON: dict[str, type[Any]] = {"P04": LittleCalls, "P05": LittleCalls, "P09": LittleBalancer, "P18": LittleVaulted}
"""Whoever has what the chapter judges; for the others the little read path is enough."""
TOLD_ENOUGH = {"P04", "P05", "P18", "P19"}
"""Their mistakes are all seen in the stories that every run tells first: no kill hangs on the dice."""
SEEDS = (1, 2)


def the_right_one(property_id: str) -> type[Any]:
    return PLAYED_ON.get(property_id, LittleReads)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.kills}-{m.__name__}")
def test_the_property_kills_its_mutant(mutant: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if mutant.kills in TOLD_ENOUGH:
        monkeypatch.setattr(play, "_explore", lambda *_: None)
    see_killed(mutant.kills, mutant, the_right_one(mutant.kills))


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_right_gateway_lives(property_id: str) -> None:
    judgement = judge(the_right_one(property_id), property_id)
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
    judgement = judge(the_right_one(property_id), property_id, seed=seed, examples=60)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_stories_told_first_see_every_mark(property_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge(the_right_one(property_id), property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
    assert judgement.distinct == len(CHAPTERS[property_id].told_first)
