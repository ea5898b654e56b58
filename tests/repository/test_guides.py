"""What the guides show by example works as they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import MonotonicClock
from gatespec.drivers.component import InProcessGateway
from gatespec.engine.chapter import Chapter, load_chapter
from gatespec.engine.conclude import conclude
from gatespec.engine.known import load_known_failures
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.play import play
from gatespec.engine.stage import Stage
from gatespec.history import Context
from gatespec.target import Target, load_target
from gatespec.verdict import Judgement, Verdict
from reference_gateway.conformance import Reference
from tests.mutants.p08_windows import FixedBuckets
from tests.repository.checkout import ROOT
from tests.repository.pages import commands, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUIDES = ROOT / "docs" / "guides"
TARGET_FILE = read(GUIDES / "target-file.md")
SETTINGS = {f"GATEWAY_RATE_{name}": value for name, value in (("FREE", "10"), ("PRO", "100"), ("ENTERPRISE", "1000"))}
INSTANCES = 2
EXAMPLES = 100


def keys(schema: dict[str, Any]) -> Iterator[str]:
    """Every key that may stand in a target file, at any depth."""
    yield from schema["properties"]
    for table in schema["$defs"].values():
        yield from table["properties"]


@pytest.mark.parametrize("key", sorted(set(keys(Target.model_json_schema())) - {"folder"}))
def test_the_guide_lists_each_key_of_a_target_file(key: str) -> None:
    table = TARGET_FILE.text.split("## Every key")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    named = any(f"`{key}`" in row or f"`[{key}]`" in row for row in rows)
    assert named or f"[url.{key}]" in table or f"[command.{key}]" in table


def test_each_target_file_of_the_guide_is_one(tmp_path: Path) -> None:
    doors = []
    for number, text in enumerate(block for block in TARGET_FILE.blocks("toml") if block.startswith("name = ")):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        doors.append(load_target(path).door)
    assert doors == ["command", "url", "command"]


def test_the_guide_shows_the_target_file_of_the_reference_gateway_as_it_is() -> None:
    own = (ROOT / "reference_gateway" / "gateway.toml").read_text(encoding="utf-8")
    assert "".join(line for line in own.splitlines(keepends=True) if line[0] != "#") in TARGET_FILE.blocks("toml")


def test_the_list_of_known_failures_of_the_guide_is_one(tmp_path: Path) -> None:
    (shown,) = [block for block in TARGET_FILE.blocks("toml") if "[[known]]" in block]
    (tmp_path / "known-failures.toml").write_text(shown, encoding="utf-8")
    target = Target.model_validate(
        {"name": "x", "url": {"instances": ["http://x"]}, "known_failures": "known-failures.toml", "folder": tmp_path}
    )
    assert [(row.property, row.tier) for row in load_known_failures(target)] == [("P08", "wire")]


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """The chapter of the guide, from its page."""
    shown = read(GUIDES / "write-a-property.md").blocks("python")[0]
    path = tmp_path_factory.mktemp("guide") / "p08_as_the_guide_shows.py"
    path.write_text(shown, encoding="utf-8")
    return load_chapter(path)


def judge(chapter: Chapter, make: Callable[..., Any], replay: str | None = None) -> Judgement:
    settings = {"GATEWAY_RATE_WINDOW_S": "1", **SETTINGS}
    gateway = InProcessGateway(make, settings=settings, instances=INSTANCES, redis_url=None)
    target = Target.model_validate({"name": "in process", "url": {"instances": ["http://127.0.0.1:1"]}})
    context = Context("P08", gateway.tier, gateway.binding, INSTANCES, settings)
    stage = Stage(chapter, gateway, context, MonotonicClock())
    plan = VerifyPlan(target, Path(), "", examples=EXAMPLES, replay=replay)
    return conclude(context, stage.tally, play(stage, plan), replayed=replay is not None)


def test_the_chapter_of_the_guide_finds_nothing_wrong_with_the_right_gateway(chapter: Chapter) -> None:
    judgement = judge(chapter, Reference)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason.startswith("the run never saw: ")
    assert judgement.evidence["refused"] > 0


def test_the_chapter_of_the_guide_kills_fixed_buckets_and_tells_how_again(chapter: Chapter) -> None:
    judgement = judge(chapter, FixedBuckets)
    assert judgement.verdict is Verdict.BROKEN
    assert judgement.failure is not None
    story = judgement.failure.replay.split("--replay ")[1].strip("'")
    assert judge(chapter, FixedBuckets, story).verdict is Verdict.BROKEN
    assert judge(chapter, Reference, story).failure is None


def test_the_replay_line_of_the_guide_breaks_fixed_buckets() -> None:
    words = next(words for words in commands(read(GUIDES / "how-judging-works.md")) if "--replay" in words)
    story = words[words.index("--replay") + 1]
    assert json.loads(story)
    chapter = load_chapter(ROOT / "properties" / "p08_sliding_window.py")
    assert judge(chapter, FixedBuckets, story).verdict is Verdict.BROKEN
    right = judge(chapter, Reference, story)
    assert (right.verdict, right.failure) == (Verdict.INCONCLUSIVE, None), right.reason
