"""Stories of the read path from court to record: what a chapter sees is what is judged again without the stack."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import strategies as st

from gatespec.catalogue import load_catalogue
from gatespec.checkers.findings import Breach, Findings, check_soundness
from gatespec.engine import play
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.court import open_court
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.story import StoryMachine, opens, told
from gatespec.history import read_history
from gatespec.ports import Request
from gatespec.target import load_target
from gatespec.verdict import Verdict
from tests.wire_reads.conftest import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatespec.engine.court import Court
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.read_ports import Life, ReadGateway, StoreState


class BreakingMachine(StoryMachine):
    """Somebody reads while Redis and an instance come and go."""

    gateway: ReadGateway

    @opens()
    def arrives(self) -> None:
        self.who = self.gateway.fresh("user", "enterprise")
        (self.provider,) = self.gateway.fresh_providers(1)
        self.reads()

    @told()
    def reads(self) -> None:
        self.ask(Request(self.who, 0, path=f"/api/v2/providers?provider={self.provider}"))

    def judge(self) -> None:
        self.example.calls = self.gateway.calls([self.provider])
        self.example.disturbances = list(self.gateway.disturbances)
        super().judge()

    @told(state=st.sampled_from(("refusing", "hanging", "well")))
    def redis_becomes(self, state: StoreState) -> None:
        self.gateway.store(state)

    @told(life=st.sampled_from(("paused", "killed", "running")))
    def the_other_becomes(self, life: Life) -> None:
        self.gateway.life(1, life)


def answers_always(example: Example, since: int) -> Findings:
    wrong = [n for n, e in enumerate(example.exchanges) if n >= since and (e.status != 200 or b'"items"' not in e.body)]
    seen = len(example.exchanges) - since
    return Findings([Breach("it did not answer", place) for place in wrong], seen, seen)


def never_answers_while_redis_is_away(example: Example, since: int) -> Findings:
    """What nobody promised, so that the reference breaks it."""
    if since == len(example.exchanges) or not example.disturbances or example.disturbances[-1].how != "refusing":
        return Findings()
    return Findings([Breach("it answered", since)], 1, 1)


class Witness:
    """Keeps the stories as the chapter saw them."""

    seen: ClassVar[list[Example]] = []

    @classmethod
    def witness(cls, example: Example) -> Counter[str]:
        cls.seen.append(example)
        return Counter(mark.mark for mark in load_catalogue().property("P01").evidence)


@pytest.fixture
def court(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Court]:
    monkeypatch.setenv("GATESPEC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(play, "REPLAYS", 1)
    Witness.seen.clear()
    target = load_target(root / "reference_gateway" / "gateway.toml")
    with open_court(VerifyPlan(target, tmp_path / "out", "gatespec verify", examples=3)) as court:
        yield court


def test_stories_are_told_recorded_and_judged_again(court: Court, tmp_path: Path) -> None:
    row, needs = load_catalogue().property("P01"), Needs(60, store_faults=True)
    first: Story = (
        ("arrives", {}),
        ("redis_becomes", {"state": "hanging"}),
        ("reads", {}),
        ("the_other_becomes", {"life": "killed"}),
        ("redis_becomes", {"state": "refusing"}),
        ("reads", {}),
    )
    holding, breaking = (
        Chapter("P01", BreakingMachine, check, Witness.witness, {"wire": SETTINGS}, told_first=[first], needs=needs)
        for check in (answers_always, never_answers_while_redis_is_away)
    )
    held = court.judge_one(row, holding, "wire", "http")
    assert held.verdict is Verdict.HOLDS, held.reason
    assert held.examples >= 2
    assert held.provider_calls >= held.examples
    stories = [example for example in Witness.seen if example.exchanges]
    read = list(read_history(tmp_path / "out" / "history.jsonl"))
    assert [(e.story, e.calls, e.disturbances) for e in read] == [(e.story, e.calls, e.disturbances) for e in stories]
    assert [e.body for e in read[0].exchanges] == [e.body for e in stories[0].exchanges]
    assert [(d.what, d.how) for d in read[0].disturbances] == [
        ("store", "hanging"),
        ("life", "killed"),
        ("store", "refusing"),
    ]
    for example in read:
        check_soundness(example)
        assert not answers_always(example, 0).breaches

    broken = court.judge_one(row, breaking, "wire", "http")
    assert broken.verdict is Verdict.BROKEN, broken.reason
    assert broken.failure
    assert (broken.failure.reproduced, broken.failure.replays) == (1, 1)
    assert any("Redis: refusing" in line for line in broken.failure.meanwhile)
    assert any("call 1 of pool-1-" in line for line in broken.failure.meanwhile)
    assert len({*court.backstage._lanes}) == 1, "both chapters ask for the same lane"  # noqa: SLF001 - what is shared
