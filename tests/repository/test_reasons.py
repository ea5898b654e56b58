"""A rule that is put aside on a line says there why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.repository.checkout import ROOT, files

if TYPE_CHECKING:
    from pathlib import Path

MARK = r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type: ignore(?:\[[a-z, -]+\])?|fmt: skip|pragma: no \w+)"
PUT_ASIDE = re.compile(MARK)
WITH_REASON = re.compile(rf"{MARK}\s*(?:-|#)\s*(?!{MARK[2:]})\w.*$")


def without_reason(root: Path) -> list[str]:
    """`file:line` of each rule that is put aside below `root` and no reason is given."""
    return [
        f"{path.relative_to(root)}:{number}"
        for path in files(root, ".py", ".pyi")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PUT_ASIDE.search(line) and not WITH_REASON.search(line)
    ]


def test_each_rule_that_is_put_aside_has_its_reason() -> None:
    assert without_reason(ROOT) == []


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        ("noqa: ANN401", True),
        ("noqa: ANN401 - ", True),
        ("type: ignore[misc]", True),
        ("type: ignore[misc]  \x23 noqa: ANN401", True),
        ("fmt: skip", True),
        ("noqa: ANN401 - JSON", False),
        ("type: ignore[misc]  # the library has no types", False),
        ("type: ignore[misc]  # noqa: ANN401 - JSON", False),
        ("fmt: skip # rows", False),
    ],
)
def test_a_planted_one_without_is_found(mark: str, found: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a column
    (tmp_path / "planted.py").write_text(f"x = 1  # {mark}\n")
    assert without_reason(tmp_path) == (["planted.py:1"] if found else [])
