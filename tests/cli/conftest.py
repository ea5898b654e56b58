"""The command as a shell calls it, with an engine that finds what a test wants it to find."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from gatespec.cli.app import main
from tests.cli.pretended_engine import Engine, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def gatespec(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def called(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["gatespec", *words])
        code = main()
        return Result(code, *capsys.readouterr())

    return called


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr("gatespec.engine.run.verify", engine.verify)
    monkeypatch.setattr("gatespec.engine.rejudge.rejudge", engine.rejudge)
    return engine


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """The shortest history that holds a story."""
    path = tmp_path / "history.jsonl"
    chapter = {"property": "P08", "tier": "wire", "binding": "http", "instances": 2, "settings": {}, "bodies": False}
    chapter |= {"balancing": "", "adapters": []}
    records = (
        {"record": "history", "version": 6},
        {"record": "chapter", **chapter},
        {"record": "example", "number": 1, "story": [["asks", {}]], "lag_ms": 0},
    )
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
