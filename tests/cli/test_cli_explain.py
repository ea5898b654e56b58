from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from gatespec.catalogue import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.cli.pretended_engine import Result

HEAVY = {"hypothesis", "aiohttp", "redis", "psycopg", "jinja2", "cryptography"}


def test_every_property_is_one_line(gatespec: Callable[..., Result]) -> None:
    head, *lines = gatespec("list").out.splitlines()
    assert head.split() == ["id", "title", "level", "profile", "tiers", "state"]
    rows = load_catalogue().properties.values()
    assert [line.split("  ")[0] for line in lines] == [row.id for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert row.title in line
        assert line.endswith("provisional" if row.provisional else "judged")


def test_all_that_is_to_know_of_a_property_is_explained(gatespec: Callable[..., Result]) -> None:
    told = " ".join(gatespec("explain", "p8").out.split())
    row = load_catalogue().property("P08")
    assert told.startswith("P08 Sliding window (MUST, profile core, judged)")
    said = [row.statement, *row.freedoms, *row.source.requirements, *row.source.tasks]
    said += [text for mark in row.evidence for text in (mark.mark, mark.meaning)]
    said += [text for bound in row.bounds for text in (bound.value, bound.setting, bound.reason)]
    for text in (*said, "fixed buckets", "component, wire, real-time"):
        assert " ".join(text.split()) in told, text


def test_the_statement_is_said_once(gatespec: Callable[..., Result]) -> None:
    told = " ".join(gatespec("explain", "P08").out.split())
    assert told.count("Admissions are counted over the trailing window") == 1


def test_what_nobody_judges_yet_says_so(gatespec: Callable[..., Result]) -> None:
    told = gatespec("explain", "P30").out
    assert "provisional: not judged yet" in told
    assert "No chapter judges it yet." in told


def test_an_unknown_property_names_near_ones(gatespec: Callable[..., Result]) -> None:
    result = gatespec("explain", "sliding windw")
    assert (result.code, result.out) == (2, "")
    assert "did you mean P08 (Sliding window)" in result.err


def test_listing_loads_nothing_that_judging_needs() -> None:
    code = (
        "import sys; sys.argv = ['gatespec', 'list']; from gatespec.cli.app import main; code = main();"
        f"print(sorted({HEAVY!r} & set(sys.modules)), code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30)
    assert done.stderr == "[] 0\n"


def test_the_mistakes_that_it_must_catch_are_named(gatespec: Callable[..., Result]) -> None:
    told = " ".join(gatespec("explain", "P03").out.split())
    mutants = told[told.index("Mutants: mistakes that it must catch") :]
    assert "- OneTooMany: The comparison is off by one" in mutants
    assert "NoRetryAfter" not in mutants


def test_a_wheel_knows_no_mutants_and_says_nothing_of_them(
    gatespec: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatespec.cli.explain.suites_root", lambda: tmp_path)
    result = gatespec("explain", "P03")
    assert result.code == 0
    assert "Mutants" not in result.out
