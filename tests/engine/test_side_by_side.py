"""Several judges at a time say what one would have said, in its order, and leave nothing behind however they end."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from gatespec.clock import until
from gatespec.engine.plan import Silence, VerifyPlan
from gatespec.engine.rejudge import rejudge
from gatespec.engine.run import verify
from gatespec.errors import Exit, GatespecError
from gatespec.history import read_history
from gatespec.verdict import Run, Verdict
from tests.engine.test_whole_runs import of_properties, target

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.ports import Tier
    from gatespec.target import Target
    from gatespec.verdict import Judgement

IN_PROCESS = 'component_driver = "tests.engine.little_gateway:LittleGateway"\npython_path = [{root!r}]'
ROOT = str(Path(__file__).parents[2])
GONE_MS = 20_000
"""How long what a killed judge left may take to end: its reaper has to notice."""


@dataclass
class Watching(Silence):
    """Does something when a case begins."""

    begun: Callable[[], None]
    started: dict[str, int] = field(default_factory=dict)
    finished: list[Judgement] = field(default_factory=list)
    doubted: list[Judgement] = field(default_factory=list)

    def start(self, property_id: str, tier: str, binding: str, examples: int) -> None:
        self.started[f"{property_id} {tier} {binding}"] = examples
        self.begun()

    def finish(self, judgement: Judgement) -> None:
        self.finished.append(judgement)

    def again(self, judgement: Judgement) -> None:
        self.doubted.append(judgement)


def run(
    folder: Path,
    judged: Target,
    *,
    lanes: int = 2,
    tiers: tuple[Tier, ...] = ("component", "wire"),
    watch: Silence | None = None,
) -> Run:
    plan = VerifyPlan(judged, folder, "gatespec verify", only=("P08",), tiers=tiers, examples=5, side_by_side=lanes)
    return verify(plan, watch or Silence())


def both_tiers(folder: Path) -> Target:
    return target(folder, more=IN_PROCESS.format(root=ROOT))


def judges() -> list[psutil.Process]:
    """The processes of multiprocessing that we started and that run: judges, and whoever counts its semaphores."""
    return [process for process in psutil.Process().children(recursive=True) if "spawn_main" in argv(process)]


def argv(process: psutil.Process) -> str:
    """Empty for one that has ended: a dead process that nobody has waited for yet has no command line left to read."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def told(run: Run) -> list[tuple[str, str, str, Verdict, str]]:
    return [(j.property_id, j.tier, j.binding, j.verdict, j.reason) for j in of_properties(run.judgements)]


def stories(folder: Path) -> dict[tuple[str, str], list[object]]:
    found: dict[tuple[str, str], list[object]] = {}
    for example in read_history(folder / "history.jsonl"):
        case = f"{example.context.property_id} {example.context.tier}", example.context.binding
        found.setdefault(case, []).append(example.story)
    return found


def test_several_judges_say_what_one_says_in_its_order(tmp_path: Path) -> None:
    judged = both_tiers(tmp_path)
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    one, watch = run(alone, judged, lanes=1), Watching(lambda: None)
    several = run(beside, judged, watch=watch)
    assert told(several) == told(one)
    assert [j.verdict for j in of_properties(rejudge(beside / "history.jsonl"))] == [each[3] for each in told(several)]
    assert list(stories(beside)) == list(stories(alone))
    assert set(watch.started) == {" ".join(each[:3]) for each in told(several)}
    assert sorted(map(repr, watch.finished)) == sorted(map(repr, several.judgements))
    # One process shares nothing with another, and that is as true when it is judged once more with nobody beside it.
    assert [(j.property_id, j.tier, j.verdict) for j in watch.doubted] == [("P08", "wire", Verdict.INCONCLUSIVE)]
    assert {service.role for service in several.services} == {service.role for service in one.services}
    assert sorted(path.name for path in beside.iterdir() if not path.name.startswith("judge-")) == ["history.jsonl"]
    assert judges() == []


def test_the_same_line_tells_the_same_stories(tmp_path: Path) -> None:
    judged = both_tiers(tmp_path)
    for name in ("first", "second"):
        run(tmp_path / name, judged, tiers=("component",))
    assert stories(tmp_path / "first") == stories(tmp_path / "second")


def test_a_gateway_that_dies_ends_what_is_not_begun(tmp_path: Path) -> None:
    judged = target(tmp_path, "mortal")
    plan = VerifyPlan(judged, tmp_path, "", only=("P07", "P08"), tiers=("wire", "real-time"), side_by_side=2)
    found = of_properties(verify(plan, Silence()).judgements)
    assert [j.verdict for j in found] == [Verdict.HARNESS_ERROR] * 2 + [Verdict.NOT_RUN] * 2
    assert all("target-dead" in j.reason for j in found)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_judge_that_dies_ends_the_run_and_leaves_nothing(tmp_path: Path, how: int) -> None:
    def kill_one() -> None:
        judges()[0].send_signal(how)

    with pytest.raises(GatespecError, match="the process that judged P08") as error:
        run(tmp_path, both_tiers(tmp_path), watch=Watching(kill_one))
    assert (error.value.code, error.value.exit_code) == ("judge-died", Exit.COULD_NOT_JUDGE)
    assert judges() == []


def test_an_interrupt_ends_every_judge_and_what_it_started(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, both_tiers(tmp_path), watch=Watching(interrupt))
    assert until(lambda: not set(psutil.Process().children(recursive=True)) - before, at_most_ms=GONE_MS)
    assert not (tmp_path / "history.parts").exists()
