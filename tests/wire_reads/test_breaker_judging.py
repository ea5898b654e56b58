"""On the wire a real gateway whose breaker goes by other numbers than it was given is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gatespec.catalogue import load_catalogue
from gatespec.engine import play
from gatespec.engine.chapter import load_chapters
from gatespec.engine.court import open_court
from gatespec.engine.plan import VerifyPlan
from gatespec.target import load_target
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

DEAF = "GATEWAY_NOBODY_READS_THIS"
TOLD = {"GATEWAY_BREAKER_WINDOW": "8"}
"""What the gateway is not told, so that it goes by its default of 10 and calls twice more."""


@pytest.mark.parametrize("property_id", ["P04", "P05"])
def test_a_gateway_that_opens_later_than_told_is_broken(
    property_id: str, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATESPEC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(play, "REPLAYS", 1)
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    target = load_target(root / "reference_gateway" / "gateway.toml")
    deaf = target.model_copy(update={"settings": dict.fromkeys(TOLD, DEAF)})
    chapter = load_chapters()[property_id]
    judged = replace(
        chapter, settings={"wire": {**chapter.settings["wire"], **TOLD}}, told_first=chapter.told_first[:1]
    )
    with open_court(VerifyPlan(deaf, tmp_path / "out", "gatespec verify", examples=1)) as court:
        judgement = court.judge_one(load_catalogue().property(property_id), judged, "wire", "http")
    assert judgement.verdict is Verdict.BROKEN, judgement.reason
    assert judgement.failure
    assert " began of " in judgement.failure.breach
    assert judgement.failure.reproduced == 1
