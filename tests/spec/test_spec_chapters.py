"""Each property that is judged has a chapter that says its words, and mutants that it kills."""

from __future__ import annotations

import ast
import importlib
from typing import TYPE_CHECKING, Any

from gatespec.engine.chapter import load_chapter

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.catalogue import Catalogue

MUTANTS_MIN = 2
NUMBERED_BY_THE_PLAN = 19
"""P01 to P19 carry the numbers of the original plan, and say so."""


def chapter_files(root: Path) -> dict[str, Path]:
    return {path.name[:3].upper(): path for path in sorted((root / "properties").glob("p[0-9][0-9]_*.py"))}


def mutants(root: Path) -> list[type[Any]]:
    names = [path.stem for path in sorted((root / "tests" / "mutants").glob("p[0-9][0-9]_*.py"))]
    return [mutant for name in names for mutant in importlib.import_module(f"tests.mutants.{name}").MUTANTS]


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def test_exactly_the_judged_properties_have_a_chapter(root: Path, catalogue: Catalogue) -> None:
    judged = {p.id for p in catalogue.properties.values() if not p.provisional}
    assert set(chapter_files(root)) == judged


def test_a_chapter_opens_with_its_title_and_statement(root: Path, catalogue: Catalogue) -> None:
    for property_id, path in chapter_files(root).items():
        row = catalogue.properties[property_id]
        said = one_line(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))
        assert said.startswith(f"{row.id} - {row.title}. {row.statement}"), path.name


def test_a_chapter_is_bound_to_the_property_of_its_file_name(root: Path) -> None:
    for property_id, path in chapter_files(root).items():
        assert load_chapter(path).property_id == property_id


def test_a_state_machine_names_the_number_of_the_plan(root: Path) -> None:
    for property_id, path in chapter_files(root).items():
        number = int(property_id[1:])
        if number <= NUMBERED_BY_THE_PLAN:
            said = one_line(load_chapter(path).machine.__doc__)
            assert said.endswith(f"Feature: provider-api-gateway, Property {number}"), path.name


def test_each_judged_property_keeps_mutants_that_say_their_mistake(root: Path, catalogue: Catalogue) -> None:
    found = mutants(root)
    kept = [mutant.kills for mutant in found]
    for row in catalogue.properties.values():
        if not row.provisional:
            assert kept.count(row.id) >= MUTANTS_MIN, f"{row.id} keeps {kept.count(row.id)} mutants"
    assert set(kept) <= set(catalogue.properties)
    assert [m.__name__ for m in found if not one_line(m.__doc__).endswith(".")] == []
