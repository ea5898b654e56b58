"""A state folder of each test's own, so that no test ends another's stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatespec.stack.nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("GATESPEC_STATE_DIR", str(folder))
    return folder


@pytest.fixture
def nursery(state_folder: Path, tmp_path: Path) -> Iterator[Nursery]:
    assert not state_folder.exists()
    with Nursery("tests", tmp_path / "logs") as nursery:
        yield nursery
