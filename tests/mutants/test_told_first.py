"""What every run tells before it draws a story is enough: it sees every mark, whatever the dice and the numbers."""

from __future__ import annotations

import pytest

from gatespec.engine import play
from gatespec.engine.chapter import load_chapters
from gatespec.engine.story import read_story
from gatespec.engine.tally import write_story
from gatespec.verdict import Verdict
from reference_gateway.conformance import Reference
from tests.mutants.court import judge
from tests.mutants.p07_refusals import NoRetryAfter

CHAPTERS = {name: chapter for name, chapter in load_chapters().items() if chapter.in_process}


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_stories_told_first_see_every_mark(property_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge(Reference, property_id)
    assert judgement.verdict is Verdict.HOLDS, judgement.reason
    assert judgement.distinct == len(CHAPTERS[property_id].told_first)


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_they_can_be_replayed_from_a_line(property_id: str) -> None:
    chapter = CHAPTERS[property_id]
    for story in chapter.told_first:
        assert read_story(write_story(story), chapter.machine) == list(story)


def test_what_breaks_in_one_is_found_though_no_story_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_explore", lambda *_: None)
    judgement = judge(NoRetryAfter, "P07")
    assert judgement.verdict is Verdict.BROKEN
    assert judgement.failure is not None
    assert judgement.failure.reproduced == judgement.failure.replays
