"""The matrix says of each demand only what a run has shown, and the page is in step with it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from gatespec import traceability
from gatespec.catalogue import Catalogue, Requirement, load_catalogue
from gatespec.traceability import main, matrix, render, standing

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    Requirement(id="R1.1", demand="both", source="a page", covered_by=("P03", "tests/x.py")),
    Requirement(id="R1.2", demand="some", source="a page", covered_by=("P03",), when="core: P04"),
    Requirement(id="R1.3", demand="none", source="a page", when="core: P04"),
    Requirement(id="R1.4", demand="never", source="a page", excluded="it needs a fleet"),
]


@pytest.fixture
def small() -> Catalogue:
    whole = load_catalogue()
    rows = MappingProxyType({row.id: row for row in ROWS})
    return Catalogue(whole.properties, whole.settings, whole.errors, rows)


def states(small: Catalogue, shown: set[str]) -> list[str]:
    return [row["state"] for row in matrix(small, shown)]


def test_a_demand_is_covered_only_when_all_that_covers_it_held(small: Catalogue) -> None:
    assert states(small, {"P03", "tests/x.py"}) == ["covered", "partly covered", "planned", "excluded"]
    assert states(small, {"P03"}) == ["not shown", "partly covered", "planned", "excluded"]
    assert states(small, set()) == ["not shown", "not shown", "planned", "excluded"]


def test_a_row_gives_the_reason_for_what_is_left(small: Catalogue) -> None:
    assert [row["reason"] for row in matrix(small, set())] == ["", "core: P04", "core: P04", "it needs a fleet"]


def test_only_what_a_chapter_judges_or_a_row_names_can_be_shown(small: Catalogue) -> None:
    judged = {row.id for row in small.properties.values() if not row.provisional}
    assert "P08" in judged
    assert "P30" not in judged
    assert standing(small) == {*judged, "tests/x.py"}


def test_the_page_has_one_row_per_demand(small: Catalogue) -> None:
    page = render(small)
    assert "4 demands: 1 covered, 1 partly covered, 1 planned, 1 excluded." in page
    assert [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| R")] == [
        "| R1.1",
        "| R1.2",
        "| R1.3",
        "| R1.4",
    ]


def test_the_page_in_docs_is_in_step() -> None:
    assert main(["--check"]) == 0, "run `python -m gatespec.traceability`"


def test_a_page_out_of_step_is_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(traceability, "suites_root", lambda: tmp_path)
    assert main(["--check"]) == 1
    assert "run `python -m gatespec.traceability`" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
