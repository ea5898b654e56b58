"""What can be judged of P30 so far: calls in flight per instance, by a chapter that is none of the suite's yet."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.engine import play
from gatespec.verdict import Verdict
from tests.engine.bounded_places import CHAPTER
from tests.engine.little_places import LittlePlaces
from tests.mutants.court import judge_by, see_killed_by
from tests.mutants.p30_places import MUTANTS

SEEDS = (None, 1, 2)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_property_kills_its_mutant(mutant: type[Any]) -> None:
    see_killed_by(CHAPTER, mutant, LittlePlaces)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_gateway_lives(seed: int | None) -> None:
    judgement = judge_by(CHAPTER, LittlePlaces, seed=seed)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason


def test_the_stories_told_first_see_every_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge_by(CHAPTER, LittlePlaces)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
