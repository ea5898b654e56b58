"""Whole runs on the wire, of a gateway written apart from the reference: what is right is never convicted."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from gatespec.engine import play
from gatespec.engine.plan import Silence, VerifyPlan
from gatespec.engine.rejudge import rejudge
from gatespec.engine.run import verify
from gatespec.target import load_target
from gatespec.verdict import CONTRACT, Judgement, Run, Verdict, overall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatespec.target import Target

SERVER = Path(__file__).with_name("little_server.py")
TELLINGS_MAX = 3
"""A bucket's edge lies where the gateway's clock has it: one telling may miss it, hardly three."""
SLOW_STORY = ("no-retry-after", "P07", 1)
"""A mistake of every refusal: told once again, it must show, and each telling takes 4 s of real waiting."""
EVERY_DOOR = "the run never saw: both-instances"


def target(folder: Path, mistake: str = "", *, more: str = "", server: Path = SERVER) -> Target:
    file = folder / "gateway.toml"
    argv = ["{python}", str(server), mistake]
    file.write_text(f'name = "little"\n{more}\n[command]\nargv = {argv!r}\ninstances = 1\n')
    return load_target(file)


def run(folder: Path, judged: Target, *only: str, examples: int = 8, replay: str | None = None) -> Run:
    plan = VerifyPlan(
        judged, folder / "out", "gatespec verify", "gateway.toml", only, ("wire",), examples, replay=replay
    )
    return verify(plan, Silence())


def of_properties(judgements: Iterable[Judgement]) -> list[Judgement]:
    """All but the entry of the document: a little gateway's answers are little, too."""
    return [judgement for judgement in judgements if judgement.property_id != CONTRACT]


def test_a_right_gateway_is_not_convicted(tmp_path: Path) -> None:
    p07, p08 = of_properties(run(tmp_path, target(tmp_path), "P07", "P08").judgements)
    assert p07.verdict is Verdict.HOLDS, p07.reason
    # One process shares nothing with another, and the run says so: nothing else is missing.
    assert (p08.verdict, p08.reason) == (Verdict.INCONCLUSIVE, EVERY_DOOR)
    assert p08.sharpness > 0.8
    again = of_properties(rejudge(tmp_path / "out" / "history.jsonl"))
    assert [j.verdict for j in again] == [p07.verdict, p08.verdict]


@pytest.mark.parametrize(("mistake", "property_id", "replays"), [("fixed-buckets", "P08", 5), SLOW_STORY])
def test_a_mistake_is_found_and_found_again(
    tmp_path: Path, mistake: str, property_id: str, replays: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "REPLAYS", replays)
    judged = target(tmp_path, mistake)
    (judgement,) = of_properties(run(tmp_path, judged, property_id, examples=30).judgements)
    assert judgement.verdict is Verdict.BROKEN, judgement.reason
    failure = judgement.failure
    assert failure is not None
    assert failure.replays == replays
    assert failure.reproduced >= 1
    assert "Authorization" not in "".join(failure.requests)
    words = shlex.split(failure.replay)
    story = words[words.index("--replay") + 1]
    told_again = (run(tmp_path, judged, property_id, replay=story).judgements[0] for _ in range(TELLINGS_MAX))
    assert any(again.verdict is Verdict.BROKEN for again in told_again)


def test_a_gateway_that_dies_is_one_error_and_the_rest_is_not_run(tmp_path: Path) -> None:
    told = run(tmp_path, target(tmp_path, "mortal"), "P08", "P07", examples=30)
    p08, p07 = of_properties(told.judgements)
    assert (p08.verdict, p07.verdict) == (Verdict.HARNESS_ERROR, Verdict.NOT_RUN)
    assert "target-dead" in p08.reason
    assert "target-dead" in p07.reason
    assert overall(j.verdict for j in (p07, p08)) is Verdict.HARNESS_ERROR


def test_what_is_not_claimed_is_not_run(tmp_path: Path) -> None:
    told = run(tmp_path, target(tmp_path, more='claims = ["realtime"]'), "P08")
    assert [j.verdict for j in told.judgements] == [Verdict.NOT_CLAIMED]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    server = tmp_path / SERVER.name  # under a name of its own: another worker runs the same
    server.symlink_to(SERVER)
    run(tmp_path, target(tmp_path, server=server), "P08", examples=1)
    left = [
        process.info["pid"]
        for process in psutil.process_iter(["pid", "cmdline"])
        if str(server) in (process.info["cmdline"] or ())
    ]
    assert left == []
