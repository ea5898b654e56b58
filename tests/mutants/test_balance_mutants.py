"""As `test_read_mutants`, for endpoints: in stories that every run tells first, so that no kill hangs on the dice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gatespec.engine import play
from gatespec.verdict import Verdict
from tests.engine.little_balancer import LittleBalancer
from tests.mutants.court import judge, see_killed
from tests.mutants.p09_balances import MUTANTS
from tests.mutants.right_balances import RIGHT, ThrowsDice

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 15


@pytest.fixture
def told_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)


@pytest.mark.usefixtures("told_only")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_property_kills_its_mutant(mutant: type[Any]) -> None:
    see_killed("P09", mutant, ThrowsDice if issubclass(mutant, ThrowsDice) else LittleBalancer)


@pytest.mark.parametrize("other", RIGHT, ids=lambda other: other.__name__)
def test_whoever_is_right_otherwise_lives(other: Callable[..., Any]) -> None:
    judgement = judge(other, "P09", examples=EXAMPLES)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
