"""Which demand is covered by what: the matrix of a run, and the page that shows it.

`python -m gatespec.traceability` writes docs/traceability.md; with `--check` it only says whether the page is in step.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from gatespec.catalogue import load_catalogue
from gatespec.suites import suites_root

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gatespec.catalogue import Catalogue, Requirement

COVERED, PARTLY, NOT_SHOWN = "covered", "partly covered", "not shown"
PLANNED, EXCLUDED = "planned", "excluded"

_HEAD = """\
# Traceability

One row per demand: T plan tasks, R requirements, J journey steps, C demands of the contract that none of these has.
Generated from `spec/requirements.toml` by `python -m gatespec.traceability`; do not edit.
"""


def matrix(catalogue: Catalogue, shown: Collection[str]) -> tuple[dict[str, Any], ...]:
    """Return every requirement with its state; `shown` holds the property ids and test paths that held in a run.

    `covered`: all that covers it was shown, and nothing is left. `partly covered`: the same, but `reason` says what is
    left. `not shown`: something covers it that did not hold, or did not run. `planned`: nothing covers it yet,
    `reason` says when. `excluded`: nothing ever will, `reason` says why.
    """
    return tuple(_row(requirement, shown) for requirement in catalogue.requirements.values())


def _row(requirement: Requirement, shown: Collection[str]) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "demand": requirement.demand,
        "source": requirement.source,
        "covered_by": list(requirement.covered_by),
        "state": _state(requirement, shown),
        "reason": requirement.excluded or requirement.when,
    }


def _state(requirement: Requirement, shown: Collection[str]) -> str:
    if requirement.excluded:
        return EXCLUDED
    if not requirement.covered_by:
        return PLANNED
    if not all(by in shown for by in requirement.covered_by):
        return NOT_SHOWN
    return PARTLY if requirement.when else COVERED


def standing(catalogue: Catalogue) -> set[str]:
    """Return what can be shown: the properties that a chapter judges, and the tests that the rows name."""
    judged = {p.id for p in catalogue.properties.values() if not p.provisional}
    tests = {by for r in catalogue.requirements.values() for by in r.covered_by if by not in catalogue.properties}
    return judged | tests


def render(catalogue: Catalogue) -> str:
    """Write the page, as a run of everything that stands would see it."""
    rows = matrix(catalogue, standing(catalogue))
    table = ["| id | demand | source | covered by | state |", "|---|---|---|---|---|", *map(_line, rows)]
    return "\n".join([_HEAD, _tally(row["state"] for row in rows), "", *table, ""])


def _tally(states: Iterable[str]) -> str:
    seen = list(states)
    counts = [f"{seen.count(s)} {s}" for s in (COVERED, PARTLY, NOT_SHOWN, PLANNED, EXCLUDED) if s in seen]
    return f"{len(seen)} demands: {', '.join(counts)}."


def _line(row: dict[str, Any]) -> str:
    by = ", ".join(f"`{one}`" if "/" in one else one for one in row["covered_by"])
    state = f"{row['state']}: {row['reason']}" if row["reason"] else row["state"]
    return "| " + " | ".join(_cell(text) for text in (row["id"], row["demand"], row["source"], by, state)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_") if "`" not in text else text


def main(argv: list[str] | None = None) -> int:
    """Write the page, or with `--check` return 1 where it is not in step."""
    parser = argparse.ArgumentParser(prog="python -m gatespec.traceability", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is not in step")
    checking = parser.parse_args(argv).check
    page = suites_root() / "docs" / "traceability.md"
    rendered = render(load_catalogue())
    if not checking:
        page.write_text(rendered, encoding="utf-8")
    elif not page.is_file() or page.read_text(encoding="utf-8") != rendered:
        sys.stderr.write(f"{page} is not in step with spec/: run `python -m gatespec.traceability`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
