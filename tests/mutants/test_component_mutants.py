"""A kill counts only if the property's own statement fails, its line replays, and the right gateway passes the same."""

from __future__ import annotations

from typing import Any

import pytest

from gatespec.verdict import Verdict
from reference_gateway.conformance import Reference
from tests.mutants.court import judge, see_killed
from tests.mutants.p03_limits import MUTANTS as P03
from tests.mutants.p07_refusals import MUTANTS as P07
from tests.mutants.p08_windows import MUTANTS as P08

MUTANTS: list[Any] = [*P03, *P07, *P08]
PROPERTIES = sorted({mutant.kills for mutant in MUTANTS})
SEEDS = (1, 2)
"""With the conformance profile's own, three throws of the dice."""
REDIS_EXAMPLES = 20
"""What a real server adds does not depend on the dice."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.kills}-{m.__name__}")
def test_the_property_kills_its_mutant(mutant: type[Any]) -> None:
    see_killed(mutant.kills, mutant, Reference)


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives(property_id: str) -> None:
    assert judge(Reference, property_id).verdict is Verdict.HOLDS


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_whatever_the_dice(property_id: str, seed: int) -> None:
    judgement = judge(Reference, property_id, seed=seed, examples=60)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("property_id", PROPERTIES)
def test_the_right_gateway_lives_on_real_redis(property_id: str, clean_redis_url: str) -> None:
    judgement = judge(Reference, property_id, redis_url=clean_redis_url, examples=REDIS_EXAMPLES)
    assert judgement.failure is None
    assert judgement.verdict in {Verdict.HOLDS, Verdict.INCONCLUSIVE}, judgement.reason


@pytest.mark.parametrize("mutant", [P03[0], P07[5], P08[2]], ids=lambda m: m.__name__)
def test_the_property_kills_its_mutant_on_real_redis(mutant: type[Any], clean_redis_url: str) -> None:
    property_id = mutant.kills
    judgement = judge(mutant, property_id, redis_url=clean_redis_url)
    assert judgement.verdict is Verdict.BROKEN, judgement.reason
