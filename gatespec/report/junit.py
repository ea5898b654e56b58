"""The run for a CI server: one test case per property, tier and binding."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from gatespec.report.entries import counts
from gatespec.report.visible import visible, visible_line
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from junitparser.junitparser import FinalResult

    from gatespec.verdict import Run

_SKIPPED = (Verdict.UNTESTABLE, Verdict.NOT_CLAIMED, Verdict.NOT_RUN)


def junit_xml(run: Run) -> str:
    """Broken is a failure; what could not be judged is an error; what nobody promised or asked is skipped."""
    suite = TestSuite("gatespec")
    for name, said in (("target", run.target), ("profile", run.profile), ("seed", run.seed), ("command", run.command)):
        suite.add_property(name, visible_line(str(said)))
    suite.timestamp = visible_line(run.started_at)
    suite.add_testcases([_case(judgement) for judgement in run.judgements])
    suite.time = run.took_ms / 1000
    xml = JUnitXml("gatespec")
    xml.add_testsuite(suite)
    out = io.BytesIO()
    xml.write(out, pretty=True)
    return out.getvalue().decode("utf-8")


def _case(judgement: Judgement) -> TestCase:
    medium = " ".join(filter(None, (judgement.tier, judgement.binding)))
    case = TestCase(
        visible_line(f"{judgement.property_id} {judgement.title} [{medium}]"),
        classname=visible_line(f"gatespec.{judgement.property_id}"),
        time=judgement.took_ms / 1000,
    )
    if judgement.verdict is not Verdict.HOLDS:
        case.result = [_result(judgement)]
    return case


def _result(judgement: Judgement) -> FinalResult:
    said = visible_line(judgement.reason or str(judgement.verdict))
    kind: FinalResult
    if judgement.verdict is Verdict.BROKEN:
        kind = Failure(said, "known failure" if judgement.known_failure else str(judgement.verdict))
        kind.text = visible(_told(judgement))
    elif judgement.verdict in _SKIPPED:
        kind = Skipped(f"{judgement.verdict}: {said}")
    else:
        kind = Error(said, str(judgement.verdict))
        kind.text = visible(f"{judgement.statement}\n{counts(judgement)}")
    return kind


def _told(judgement: Judgement) -> str:
    failure = judgement.failure
    if failure is None:
        return judgement.statement
    steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(failure.story, 1))
    again = f"reproduced {failure.reproduced}/{failure.replays}"
    return f"{failure.statement}\n{failure.breach}\n{steps}\n{again}\nreplay: {failure.replay}"
