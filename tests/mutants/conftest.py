"""A wrong gateway is found and found again; how short its story can be made is told elsewhere, and takes longest."""

from __future__ import annotations

import pytest

SHRINK_MS = 1_500


@pytest.fixture(autouse=True)
def shrinks_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatespec.engine.stage.SHRINK_MS", SHRINK_MS)
