from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks import judgement
from benchmarks.judgement import judge_whole
from benchmarks.measure import Measured
from benchmarks.plan import PARTS, Plan
from benchmarks.report import as_json, show
from gatespec.errors import GatespecError
from gatespec.target import Target
from gatespec.verdict import Run, Verdict
from tests.cli.pretended_engine import HELD

if TYPE_CHECKING:
    from gatespec.engine.plan import VerifyPlan
    from gatespec.verdict import Judgement

TARGET = Target.model_validate({"name": "a gateway", "url": {"instances": ["http://127.0.0.1:1"]}})
FOUND = (replace(HELD, took_ms=40_000, lag_ms=12), replace(HELD, binding="cluster", took_ms=50_000, lag_ms=31))


def found(monkeypatch: pytest.MonkeyPatch, *judgements: Judgement) -> list[VerifyPlan]:
    plans: list[VerifyPlan] = []

    def verify(plan: VerifyPlan, _: object) -> Run:
        plans.append(plan)
        return Run("a gateway", "conformance", None, "now", 60_000, "", (), judgements)

    monkeypatch.setattr(judgement, "verify", verify)
    return plans


def test_what_core_holds_is_judged_as_the_command_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = found(monkeypatch, *FOUND)
    judged = judge_whole(TARGET, Path(), lambda _: None)
    assert (plans[0].claim, plans[0].side_by_side) == ("core", judged.lanes)
    assert (judged.took_ms, judged.in_turn_ms, judged.lag_ms) == (60_000, 90_000, 31)
    measured, plan = Measured(0.0, judgement=judged), Plan(Path(), "", parts=("judgement",))
    assert as_json(measured, plan)["judgement"]["cases"][1]["binding"] == "cluster"
    show(Console(width=120), measured, plan)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    whole, longest, other = [row for row in rows if row[:1] in (["all"], ["P03"])]
    assert (whole[0], whole[3]) == ("all", "60")
    assert (longest[2:4], other[2:4]) == (["cluster", "50"], ["http", "40"])


def test_what_does_not_hold_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, replace(HELD, verdict=Verdict.INCONCLUSIVE, reason="it was slow"))
    with pytest.raises(GatespecError, match="no figure"):
        judge_whole(TARGET, Path(), lambda _: None)


def test_it_is_measured_only_where_it_is_named() -> None:
    assert set(PARTS) - set(Plan(Path(), "").parts) == {"judgement"}
