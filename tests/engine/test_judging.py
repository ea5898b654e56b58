"""From stories to a verdict: every way that a judgement can end, and that it ends the same when told again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.checkers.findings import HistoryUnsound
from gatespec.engine.chapter import load_chapters
from gatespec.engine.known import load_known_failures, with_known_failure
from gatespec.engine.rejudge import rejudge
from gatespec.errors import Exit, GatespecError
from gatespec.history import HistoryWriter
from gatespec.ports import Untestable
from gatespec.verdict import Verdict, exit_code, overall
from tests.engine.little_gateway import LittleGateway
from tests.mutants.court import TARGET, judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Answer = tuple[int, "Mapping[str, str]", bytes]


class Dice(LittleGateway):
    """Admits one too many, but only now and then: what Hypothesis would call flaky."""

    refusals = 0

    def request(self, *asked: Any) -> Answer:  # noqa: ANN401 - the port's own
        answer = super().request(*asked)
        if answer[0] == 429:
            type(self).refusals += 1
            if type(self).refusals % 7 == 0:
                return 200, {}, b""
        return answer


class Dying(LittleGateway):
    """Raises in the middle of a story."""

    def request(self, *asked: Any) -> Answer:  # noqa: ANN401 - the port's own
        if len(self.admitted) > 1:
            raise ConnectionResetError("gone")
        return super().request(*asked)


class Closed(LittleGateway):
    """Says that this door shows nothing."""

    def request(self, *asked: Any) -> Answer:  # noqa: ANN401 - the port's own
        del asked
        raise Untestable("this door is painted on the wall")


class Generous(LittleGateway):
    """Never refuses anybody."""

    def request(self, *asked: Any) -> Answer:  # noqa: ANN401 - the port's own
        self.admitted.clear()
        return super().request(*asked)


@pytest.mark.parametrize("property_id", ["P03", "P07", "P08"])
def test_a_gateway_written_apart_from_the_reference_holds(property_id: str) -> None:
    judgement = judge(LittleGateway, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
    assert judgement.distinct > judgement.examples / 2
    assert all(judgement.evidence.values())


def test_a_flaky_failure_is_a_failure_with_a_count() -> None:
    judgement = judge(Dice, "P08")
    assert judgement.verdict is Verdict.BROKEN
    assert judgement.failure is not None
    assert judgement.failure.replays == 5
    assert 0 <= judgement.failure.reproduced < 5


def test_what_no_replay_reproduces_says_so_however_long_it_was_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[Answer] = []

    class OnceOnly(LittleGateway):
        """Admits whoever was to be refused first, and never again."""

        def request(self, *asked: Any) -> Answer:  # noqa: ANN401 - the port's own
            answer = super().request(*asked)
            if answer[0] != 429:
                return answer
            refused.append(answer)
            return answer if len(refused) > 1 else (200, {}, b"")

    monkeypatch.setattr("gatespec.engine.stage.SHRINK_MS", -1)
    judgement = judge(OnceOnly, "P08")
    assert judgement.failure is not None
    assert judgement.failure.reproduced == 0


def test_a_crash_of_the_driver_is_no_finding() -> None:
    judgement = judge(Dying, "P08")
    assert judgement.verdict is Verdict.HARNESS_ERROR
    assert "gone" in judgement.reason
    assert judgement.failure is None


def test_a_door_that_shows_nothing_is_untestable() -> None:
    judgement = judge(Closed, "P08")
    assert (judgement.verdict, judgement.reason) == (Verdict.UNTESTABLE, "this door is painted on the wall")


def test_missing_evidence_is_inconclusive_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_chapters()["P08"].machine, "ask_for_a_twin", lambda _: None)
    judgement = judge(LittleGateway, "P08", examples=1)
    assert (judgement.verdict, judgement.reason) == (
        Verdict.INCONCLUSIVE,
        "the run never saw: refusal-twin-admitted",
    )


def test_a_run_with_a_seed_repeats_itself() -> None:
    assert judge(Generous, "P08", seed=7).failure == judge(Generous, "P08", seed=7).failure


def test_a_recorded_run_is_judged_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with path.open("w") as out:
        writer = HistoryWriter(out, target="little")
        played = [judge(LittleGateway, "P08", history=writer), judge(Generous, "P08", history=writer)]
    again = rejudge(path)
    assert [j.verdict for j in again] == [Verdict.HOLDS, Verdict.BROKEN]
    for told, recorded in zip(played, again, strict=True):
        assert (recorded.examples, recorded.distinct, recorded.requests) == (
            told.examples,
            told.distinct,
            told.requests,
        )
        assert (recorded.evidence, recorded.sharpness) == (told.evidence, told.sharpness)
    assert played[1].failure is not None
    assert again[1].failure is not None
    assert again[1].failure.story == played[1].failure.story


def damaged(record: dict[str, Any]) -> dict[str, Any]:
    """A request that was heard before it was sent; what is left out is as in the line before."""
    return {**record, "heard_ms": 0} if record["record"] == "request" else record


def test_a_history_that_contradicts_itself_convicts_nobody(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with path.open("w") as out:
        judge(Generous, "P08", history=HistoryWriter(out, target="little"))
    lines = [json.dumps(damaged(json.loads(line))) for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    assert [j.verdict for j in rejudge(path)] == [Verdict.HARNESS_ERROR]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"record":"history","version":1}', "not json", '{"record":"history","version":2}\n{}']
)
def test_what_is_no_history_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(text)
    with pytest.raises(GatespecError) as told:
        rejudge(path)
    assert told.value.exit_code is Exit.COULD_NOT_JUDGE
    assert str(path) in told.value.message


def test_known_failures_are_strict(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(
        '[[known]]\nproperty = "P08"\ntier = "component"\nreason = "mended next week"\n'
    )
    target = TARGET.model_copy(update={"folder": tmp_path, "known_failures": "known.toml"})
    broken, holds = judge(Generous, "P08"), judge(LittleGateway, "P08")
    other = replace(broken, tier="wire")
    rows = load_known_failures(target)
    known, stale, unlisted = (with_known_failure(rows, judged) for judged in (broken, holds, other))
    assert (known.verdict, known.known_failure) == (Verdict.BROKEN, True)
    assert (stale.verdict, stale.known_failure) == (Verdict.BROKEN, False)
    assert "take it off the list" in stale.reason
    assert unlisted == other


def test_the_worst_verdict_is_the_run_s() -> None:
    order = ["broken", "harness error", "not run", "inconclusive", "holds", "untestable", "not claimed"]
    verdicts = [Verdict(text) for text in order]
    for place, worst in enumerate(verdicts):
        assert overall(verdicts[place:]) is worst
    assert overall([]) is Verdict.NOT_RUN
    codes = [exit_code(verdict) for verdict in verdicts]
    assert codes == [1, 3, 3, 3, 0, 3, 3]


def test_unsoundness_is_no_verdict_of_the_target() -> None:
    assert not issubclass(HistoryUnsound, AssertionError)
