"""The glossary defines each word that the judge prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from gatespec.ports import Tier
from gatespec.traceability import COVERED, EXCLUDED, NOT_SHOWN, PARTLY, PLANNED
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path


def entries(root: Path) -> dict[str, str]:
    text = (root / "spec" / "glossary.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| (.+?) \| (.+) \|$", text, re.MULTILINE))


def test_every_verdict_is_defined(root: Path) -> None:
    assert {str(verdict) for verdict in Verdict} <= set(entries(root))


def test_every_tier_and_every_state_is_named(root: Path) -> None:
    assert all(f"`{tier}`" in entries(root)["tier"] for tier in get_args(Tier))
    assert all(state in entries(root)["matrix"] for state in (COVERED, PARTLY, NOT_SHOWN, PLANNED, EXCLUDED))


def test_every_word_is_defined_once(root: Path) -> None:
    text = (root / "spec" / "glossary.md").read_text(encoding="utf-8")
    terms = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    assert len([t for t in terms if t not in {"| term", "| verdict"}]) == len(entries(root)) - 2
