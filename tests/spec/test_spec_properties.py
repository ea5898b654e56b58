"""What must be true of the 30 statements whoever edits them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gatespec.catalogue import load_catalogue

if TYPE_CHECKING:
    from gatespec.catalogue import Catalogue, Property

PROPERTIES = list(load_catalogue().properties.values())
UNIT_S = {"ms": Decimal("0.001"), "s": Decimal(1)}
each = pytest.mark.parametrize("row", PROPERTIES, ids=[p.id for p in PROPERTIES])


def test_there_are_thirty_in_their_order() -> None:
    assert [p.id for p in PROPERTIES] == [f"P{number:02d}" for number in range(1, 31)]


@each
def test_a_statement_is_one_line_of_whole_sentences(row: Property) -> None:
    assert row.statement == " ".join(row.statement.split())
    assert row.statement.endswith((".", ".)"))
    assert row.statement.count("`") % 2 == 0


@each
def test_what_is_only_a_should_stands_apart(row: Property) -> None:
    assert bool(row.should) == ("SHOULD" in row.statement)
    assert row.should in row.statement


@each
def test_each_freedom_of_the_statement_is_listed_in_its_own_words(row: Property) -> None:
    free = re.findall(r"\(C\) (.+?)\.(?= [A-Z]|$)", row.statement)
    assert set(free) <= set(row.freedoms)
    assert len(free) == row.statement.count("(C)")


@each
def test_each_tier_has_evidence_to_look_for(row: Property) -> None:
    marks = [e.mark for e in row.evidence]
    assert len(marks) == len(set(marks))
    assert all(set(e.tiers) <= set(row.tiers) for e in row.evidence)
    assert all(row.marks(tier) for tier in row.tiers)


@each
def test_settings_that_it_names_exist(row: Property, catalogue: Catalogue) -> None:
    named = set(re.findall(r"`(GATEWAY_[A-Z_]+)`", row.statement)) | {b.setting for b in row.bounds if b.setting}
    assert named <= set(catalogue.settings)


@each
def test_a_bound_is_the_default_of_the_setting_that_shortens_it(row: Property, catalogue: Catalogue) -> None:
    for bound in row.bounds:
        if (plain := re.fullmatch(r"(\d+) (s|ms)", bound.value)) and bound.setting:
            setting = catalogue.settings[bound.setting]
            if setting.type == "seconds" and setting.default is not None:
                assert Decimal(plain[1]) * UNIT_S[plain[2]] == Decimal(setting.default), bound.name


@each
def test_its_sources_have_rows_of_their_own(row: Property, catalogue: Catalogue) -> None:
    named = {*row.source.requirements, *(f"T{task}" for task in row.source.tasks)}
    assert named <= set(catalogue.requirements)
