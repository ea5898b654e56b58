"""What a drill's journal calls things is what Chaos Toolkit calls them: its own library reads it, and runs it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.hypothesis import run_steady_state_hypothesis
from chaoslib.run import EventHandlerRegistry, initialize_run_journal

from gatespec.clock import timestamp_of
from gatespec.drills.dependency_claims import NOTICED_MS
from gatespec.drills.drill import load_drills
from gatespec.drills.journal import Written, experiment_of, journal_of
from gatespec.drills.judge import judge_drill
from gatespec.history import HistoryWriter
from tests.drills.planted import FAULT_MS, health, planted, read, with_exchanges

if TYPE_CHECKING:
    from gatespec.drills.drill import Drill
    from gatespec.history import Example

DRILLS = load_drills()
DRILL = DRILLS["redis_gone"]
EVERY_RUN = {"activity", "output", "start", "status", "end", "duration"}
"""The members of a run, as `chaoslib.activity.execute_activity` writes them."""


def written(folder: Path) -> Written:
    return Written(7, str(folder), str(folder / "history.jsonl"), timestamp_of)


def recorded(folder: Path, example: Example) -> dict[str, Any]:
    """The journal of a record that lies in the folder."""
    asked = with_exchanges(example, health(FAULT_MS + NOTICED_MS + 100, "degraded", redis="away"))
    named = replace(asked, context=replace(example.context, property_id=DRILL.name))
    with (folder / "history.jsonl").open("w", encoding="utf-8") as out:
        history = HistoryWriter(out, target="t")
        history.chapter(named.context)
        history.example(named)
    told = journal_of(DRILL, named, judge_drill(DRILL, named), written(folder))
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain


def hypothesis(journal: dict[str, Any]) -> dict[str, Any]:
    """What Chaos Toolkit finds when it asks the journal's own probes."""
    state: dict[str, Any] = run_steady_state_hypothesis(journal["experiment"], {}, {}, None, EventHandlerRegistry())
    return state


@pytest.mark.parametrize("drill", DRILLS.values(), ids=DRILLS.keys())
def test_every_drill_is_an_experiment_that_chaos_toolkit_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drill: Drill
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # where `gatespec` is
    ensure_experiment_is_valid(experiment_of(drill, written(tmp_path)))


def test_the_journal_has_the_members_of_one_that_chaos_toolkit_began(tmp_path: Path) -> None:
    told = recorded(tmp_path, planted())
    began = initialize_run_journal(told["experiment"])
    assert told.keys() == began.keys() | {"end", "duration"}
    assert told["steady_states"].keys() == began["steady_states"].keys()
    assert told["chaoslib-version"] == began["chaoslib-version"]
    assert all(run.keys() == EVERY_RUN for run in (*told["run"], *told["rollbacks"]))


def test_the_journal_says_what_was_done_and_undone(tmp_path: Path) -> None:
    told = recorded(tmp_path, planted())
    assert (told["status"], told["deviated"]) == ("completed", False)
    assert [each["activity"]["name"] for each in told["run"]] == ["store: refusing", "store: well"]
    assert [each["activity"]["name"] for each in told["rollbacks"]] == ["store: well"]
    assert told["start"] < told["run"][0]["start"] < told["run"][0]["end"] < told["end"]


@pytest.mark.parametrize("is_right", [True, False])
def test_chaos_toolkit_finds_by_its_own_probes_what_the_journal_says(tmp_path: Path, *, is_right: bool) -> None:
    example = planted() if is_right else with_exchanges(planted(), read(12_150, None, status=500))
    told = recorded(tmp_path, example)
    found, said = hypothesis(told), told["steady_states"]["after"]
    assert found["steady_state_met"] is said["steady_state_met"] is is_right
    assert said["probes"][0].keys() == found["probes"][0].keys()
    by_name = {probe["activity"]["name"]: probe["tolerance_met"] for probe in said["probes"]}
    assert all(by_name[probe["activity"]["name"]] is probe["tolerance_met"] for probe in found["probes"])
