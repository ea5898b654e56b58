"""No demand is missing, and none claims a cover that is not there."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, get_args

from gatespec.catalogue import load_catalogue
from gatespec.target import Profile

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.catalogue import Catalogue

ROWS = load_catalogue().requirements
LEAVES_OF_TASK = {1: 5, 3: 2, 4: 4, 6: 4, 7: 3, 9: 5, 11: 6, 13: 5, 14: 5, 16: 5, 17: 3, 19: 3, 20: 2}
"""How many numbered leaves each task of the original plan has; the other tasks are checkpoints."""
CHECKPOINTS = (2, 5, 8, 10, 12, 15, 18, 21)
CRITERIA = {1: 5, 2: 6, 3: 6, 4: 6, 5: 5, 6: 5, 7: 6, 8: 5, 9: 5, 10: 6, 11: 7, 12: 6, 13: 6, 14: 6, 15: 5, 16: 5}
STEPS_OF_JOURNEY = {1: 6, 2: 8, 3: 7, 4: 7}
CONTRACT_DEMANDS = 246
CHAPTERS = {*get_args(Profile), "operations", "every profile"}


def numbered(letter: str, counts: dict[int, int]) -> list[str]:
    return [f"{letter}{whole}.{part}" for whole, count in counts.items() for part in range(1, count + 1)]


def ids(letter: str) -> list[str]:
    return [i for i in ROWS if i.startswith(letter)]


def test_every_task_and_checkpoint_of_the_plan_has_a_row() -> None:
    assert set(ids("T")) == {*numbered("T", LEAVES_OF_TASK), *(f"T{n}" for n in CHECKPOINTS)}


def test_every_acceptance_criterion_has_a_row() -> None:
    assert ids("R") == numbered("R", CRITERIA)


def test_every_journey_step_has_a_row() -> None:
    assert ids("J") == numbered("J", STEPS_OF_JOURNEY)


def test_every_demand_of_the_contract_has_a_row() -> None:
    assert len(ids("C-")) == CONTRACT_DEMANDS
    assert sum(map(len, map(ids, "TRJ"))) + CONTRACT_DEMANDS == len(ROWS)


def test_every_property_has_a_row_that_it_alone_covers(catalogue: Catalogue) -> None:
    for row in catalogue.properties.values():
        demand = ROWS[f"C-{row.id.lower()}"]
        assert demand.covered_by == (() if row.provisional else (row.id,))
        assert bool(demand.when) == row.provisional


def test_every_setting_stands_in_one_row(catalogue: Catalogue) -> None:
    named = Counter(name for i, r in ROWS.items() if "setting" in i for name in re.findall(r"[A-Z_]{6,}", r.demand))
    assert named == Counter(list(catalogue.settings))


def test_what_covers_a_demand_exists(catalogue: Catalogue, root: Path) -> None:
    for row in ROWS.values():
        for by in row.covered_by:
            judged = by in catalogue.properties and not catalogue.properties[by].provisional
            assert judged or (root / by).is_file(), f"{row.id}: {by}"


def test_what_is_planned_names_its_profile_and_only_properties_that_exist(catalogue: Catalogue) -> None:
    for row in ROWS.values():
        for part in filter(None, row.when.split("; ")):
            profiles = part.partition(":")[0].split(", ")
            assert set(profiles) <= CHAPTERS, f"{row.id}: {part}"
        assert set(re.findall(r"P\d\d", row.when)) <= set(catalogue.properties), row.id


def test_nothing_is_still_to_come_from_a_property_that_covers_it_already() -> None:
    for row in ROWS.values():
        assert not set(row.covered_by) & set(re.findall(r"P\d\d", row.when)), row.id
