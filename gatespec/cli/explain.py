"""`gatespec explain P08`: what a property says, what it leaves open, and how it is judged."""

from __future__ import annotations

import ast
import shutil
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from gatespec.catalogue import Property, load_catalogue
from gatespec.suites import properties_dir, suites_root

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH_MAX = 100
"""Columns of running text: longer lines are hard to read."""
_INDENT = "  "


def explain(wanted: Annotated[str, typer.Argument(metavar="PROPERTY", help="P08, 8 or 08.")]) -> None:
    """Show all that is to know of a property.

    Its statement, source, freedoms, time bounds and evidence marks, and how it is judged.
    """
    print("\n".join(_told(load_catalogue().property(wanted))))  # noqa: T201 - the command's output


def _told(row: Property) -> Iterator[str]:
    state = "provisional: not judged yet" if row.provisional else "judged"
    yield f"{row.id}  {row.title}  ({row.level}, profile {row.profile}, {state})"
    yield from _section("Statement", [row.statement])
    yield from _section("Only a SHOULD", [row.should] if row.should else [])
    yield from _section("Source", [_source(row)])
    yield from _section("Freedoms: what it does not promise", [f"- {freedom}" for freedom in row.freedoms])
    yield from _section("Times", [_bound(row, number) for number in range(len(row.bounds))])
    yield from _section(
        "Evidence: what a run must have seen", [_mark(row, number) for number in range(len(row.evidence))]
    )
    yield from _section(f"How it is judged: {', '.join(row.tiers)}", _chapter(row.id) or ["No chapter judges it yet."])
    yield from _section("Mutants: mistakes that it must catch", _mutants(row.id))


def _section(title: str, paragraphs: list[str]) -> Iterator[str]:
    if not paragraphs:
        return
    yield ""
    yield title
    width = min(_WIDTH_MAX, shutil.get_terminal_size((_WIDTH_MAX, 0)).columns)
    for paragraph in paragraphs:
        hanging = _INDENT * 2 if paragraph.startswith("- ") else _INDENT
        yield textwrap.fill(
            paragraph,
            width,
            initial_indent=_INDENT,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _source(row: Property) -> str:
    source = row.source
    parts = [f"contract, section {source.contract}"]
    parts += [f"requirements {', '.join(source.requirements)}"] if source.requirements else []
    parts += [f"tasks {', '.join(source.tasks)}"] if source.tasks else []
    return "; ".join(parts)


def _bound(row: Property, number: int) -> str:
    bound = row.bounds[number]
    setting = f" ({bound.setting})" if bound.setting else ""
    return f"- {bound.name}: {bound.value}{setting}: {bound.reason}"


def _mark(row: Property, number: int) -> str:
    mark = row.evidence[number]
    where = f" ({', '.join(mark.tiers)} only)" if mark.tiers else ""
    return f"- {mark.mark}: {mark.meaning}{where}"


def _chapter(property_id: str) -> list[str]:
    """What the chapter says of itself, without the title and the statement that stand above already."""
    paths = sorted(properties_dir().glob(f"{property_id.lower()}_*.py"))
    # Parsed, not imported: explaining needs no Hypothesis.
    said = ast.get_docstring(ast.parse(paths[0].read_text(encoding="utf-8"))) if paths else None
    paragraphs = (said or "").split("\n\n")[1:]
    return [" ".join(paragraph.split()) for paragraph in paragraphs if not paragraph.startswith(" ")]


def _mutants(property_id: str) -> list[str]:
    """What each wrong gateway of the checkout that this property kills does wrong; a wheel brings none of them."""
    written = (path.read_text(encoding="utf-8") for path in sorted((suites_root() / "tests" / "mutants").glob("p*.py")))
    classes = [node for text in written for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    return [f"- {mutant.name}: {ast.get_docstring(mutant)}" for mutant in classes if _kills(mutant) == property_id]


def _kills(mutant: ast.ClassDef) -> object:
    """The value of its `kills = "P03"`; None where it has none."""
    values = [n.value for n in mutant.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "kills"]
    return values[0].value if values and isinstance(values[0], ast.Constant) else None
