from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from gatespec.errors import Exit, GatespecError
from gatespec.report.files import write_reports
from gatespec.verdict import Judgement, Run, Verdict

if TYPE_CHECKING:
    from pathlib import Path


def test_all_reports_are_written_and_nothing_else_is_left(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    reports = write_reports(run, out)
    assert sorted(path.name for path in out.iterdir()) == ["badge.svg", "junit.xml", "report.html", "report.json"]
    assert reports.html.stat().st_mode & 0o777 == 0o644


def test_the_json_says_exactly_what_the_run_says(run: Run, tmp_path: Path, hostile: str) -> None:
    read = json.loads(write_reports(run, tmp_path).json.read_text())
    assert (read["format"], read["version"], read["verdict"]) == ("gatespec-report", 1, "broken")
    assert read["target"] == hostile
    assert read["judgements"][3]["failure"]["story"][2] == hostile
    assert read["judgements"][0]["evidence"] == {"refused": 1211, "burst-across-edge": 1}


def test_a_report_that_fails_to_be_written_leaves_the_old_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(run, tmp_path)
    old = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr("os.fdopen", _full_disk)
    with pytest.raises(GatespecError, match="No space left") as raised:
        write_reports(replace(run, judgements=()), tmp_path)
    assert (raised.value.code, raised.value.exit_code) == ("report-unwritable", Exit.COULD_NOT_JUDGE)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == old


def _full_disk(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_folder_that_is_a_file_is_one_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(GatespecError, match=r"error\[report-unwritable\]"):
        write_reports(run, tmp_path / "out")


def test_junit_gives_each_judgement_one_case_of_its_kind(run: Run, tmp_path: Path) -> None:
    read = JUnitXml.fromfile(str(write_reports(run, tmp_path).junit))
    cases = {case.name: case.result for suite in read for case in suite}
    assert len(cases) == 8
    kinds = {name.split()[0]: [type(result) for result in results] for name, results in cases.items()}
    skipped = {"P14": [Skipped], "P17": [Skipped], "P20": [Skipped]}
    assert kinds == {"P03": [], "P07": [Error], "P08": [Failure], **skipped, "P30": [Error]}
    assert cases["P08 Sliding window [component redis]"] == []
    assert (read.tests, read.failures, read.errors, read.skipped) == (8, 1, 2, 3)
    assert cases["P14 Event delivery [wire]"][0].message == "not claimed: pipeline is not claimed"


def test_junit_tells_statement_story_and_replay(run: Run, tmp_path: Path) -> None:
    failure = ET.parse(write_reports(run, tmp_path).junit).getroot().find(".//failure")  # noqa: S314 - written by ourselves
    assert failure is not None
    told = failure.text or ""
    assert told.startswith("Admissions are counted over the trailing window.\n6 admissions within 300 ms")
    assert "  1. asks(count=5)\n  2. waits(duration_ms=299)\n" in told
    assert told.endswith("""replay: gatespec verify --only P08 --tier wire --replay '[["asks",{"count":5}]]'""")
    assert "reproduced 4/5" in told


@pytest.mark.parametrize(
    ("verdict", "says"),
    [(Verdict.HOLDS, "1 holds"), (Verdict.BROKEN, "1 broken"), (Verdict.HARNESS_ERROR, "1 harness error")],
)
def test_the_badge_says_the_verdict_in_words(
    run: Run, held: Judgement, verdict: Verdict, says: str, tmp_path: Path
) -> None:
    badge = write_reports(replace(run, judgements=(replace(held, verdict=verdict),)), tmp_path).badge
    root = ET.parse(badge).getroot()  # noqa: S314 - written by ourselves
    assert root.attrib["aria-label"] == f"gatespec: {says}"
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ["gatespec", says]
