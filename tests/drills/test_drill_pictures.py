"""The picture of a drill's timeline, and what its journal calls things."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault
from gatespec.drills.judge import judge_drill
from gatespec.drills.table import table
from gatespec.report.page import page_html
from gatespec.report.timeline import picture
from gatespec.verdict import Run
from tests.drills.planted import planted

DRILL = Drill("planted", "It goes <away>.", Fault("redis", ("refusing",), (1, 1)), EVERY)
JUDGEMENT = judge_drill(DRILL, planted())


def test_the_picture_is_sound_and_names_the_fault_in_words() -> None:
    assert JUDGEMENT.timeline is not None
    drawn = ET.fromstring(picture(JUDGEMENT.timeline, "e1-1"))  # noqa: S314 - our own
    assert next(each.text for each in drawn.iter("text")) == "refusing"
    assert len(list(drawn.iter("polyline"))) == 4


def test_the_page_holds_a_picture_of_its_own_and_a_table_for_each_drill() -> None:
    page = page_html(Run("t", "explore", 1, "", 1, "", (), (JUDGEMENT, JUDGEMENT)))
    assert page.count('id="hatch-e1-1"') == page.count('id="hatch-e1-2"') == 1
    assert page.count("Oldest price") == 2
    assert "<away>" not in page


def test_the_table_has_a_line_for_each_second() -> None:
    assert JUDGEMENT.timeline is not None
    assert len(list(table(JUDGEMENT))) == 2 + len(JUDGEMENT.timeline.seconds)
