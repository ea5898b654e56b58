from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gatespec.report.entries import duration, headline, percent
from gatespec.report.lines import STEPS_SHOWN_MAX, closing_lines, errors, judgement_line
from gatespec.report.visible import visible, visible_line
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from gatespec.verdict import Run


def test_what_holds_says_what_it_rests_on(held: Judgement) -> None:
    assert judgement_line(held) == "P08  wire       http     holds          300 examples, 2,410 requests, sharp 97 %"


def test_what_is_not_judged_says_why(held: Judgement) -> None:
    silent = replace(held, verdict=Verdict.NOT_RUN, reason="error[target-dead]: gone\n  tried  much", requests=0)
    assert judgement_line(silent).endswith("not run        error[target-dead]: gone")


def test_an_error_is_told_whole_and_once(held: Judgement) -> None:
    told = "error[target-dead]: gone\n  tried  much"
    dead = replace(held, verdict=Verdict.HARNESS_ERROR, reason=told)
    assert errors((dead, replace(dead, property_id="P03"), held)) == (told,)


def test_a_known_failure_is_called_so(broken: Judgement) -> None:
    assert "known failure; 300 examples" in judgement_line(replace(broken, known_failure=True))


def test_the_end_tells_each_breach_once(run: Run) -> None:
    lines = [judgement_line(j) for j in run.judgements] + list(closing_lines(run.judgements, run.verdict))
    told = "\n".join(lines)
    for once in ("Admissions are counted", "1. asks(count=5)", "6 admissions within", "--replay", "spans turn back"):
        assert told.count(once) == 1, once
    assert "wire, http, reproduced 4/5" in told
    assert lines[-1] == "verdict  broken: The target breaks P08. 3 properties judged, 1 holds."


def test_two_bindings_that_broke_alike_are_told_once(broken: Judgement) -> None:
    both = (broken, replace(broken, tier="component", binding="pure"))
    told = "\n".join(closing_lines(both, Verdict.BROKEN))
    assert "wire, http, reproduced 4/5; component, pure, reproduced 4/5" in told
    for once in ("Admissions are counted", "1. asks(count=5)", "--replay"):
        assert told.count(once) == 1, once


def test_two_bindings_that_broke_apart_share_one_statement(broken: Judgement) -> None:
    assert broken.failure is not None
    other = replace(broken, binding="redis", failure=replace(broken.failure, breach="too few", replay="gatespec again"))
    told = "\n".join(closing_lines((broken, other), Verdict.BROKEN))
    assert told.count("Admissions are counted") == 1
    assert told.count("reproduced 4/5") == told.count("    breach  ") == told.count("    replay  ") == 2


def test_what_is_broken_without_a_story_still_says_why(broken: Judgement) -> None:
    bare = replace(broken, failure=None, reason="listed as a known failure, but it holds")
    assert "    breach  listed as a known failure, but it holds" in list(closing_lines((bare,), Verdict.BROKEN))


def test_a_long_story_is_cut_and_says_so(broken: Judgement) -> None:
    assert broken.failure is not None
    long = replace(broken, failure=replace(broken.failure, story=("asks()",) * 100))
    told = list(closing_lines((long,), Verdict.BROKEN))
    assert sum(line.endswith(". asks()") for line in told) == STEPS_SHOWN_MAX
    assert "        and 60 more, which the report tells" in told


@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_line_can_be_forged_and_no_terminal_steered(broken: Judgement, verdict: Verdict) -> None:
    forging = replace(broken, title="x\nverdict  holds\x1b[2J", reason="\x1b[2K\rP08 holds", verdict=verdict)
    for line in (judgement_line(forging), *closing_lines((forging,), verdict)):
        assert line == "" or line.isprintable(), line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("offers in Zürich, 東京", "offers in Zürich, 東京"),
        ("a\x1b[31m\x00", r"a\x1b[31m\x00"),
        ("\u202eexe.gpj", r"\u202eexe.gpj"),
        ("\ud800", r"\ud800"),
        ("a\n\tb", "a\n\tb"),
    ],
)
def test_only_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_escapes_its_newlines_too() -> None:
    assert visible_line("a\nb\tc") == r"a\nb\tc"


def test_a_share_is_never_rounded_up() -> None:
    assert [percent(share) for share in (0.7999, 0.8, 1.0)] == ["79 %", "80 %", "100 %"]


def test_durations_read_as_a_person_says_them() -> None:
    assert [duration(ms) for ms in (0, 999, 12_340, 125_999)] == ["0 ms", "999 ms", "12.3 s", "2 min 5 s"]


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (Verdict.HOLDS, "1 property judged: it holds."),
        (Verdict.BROKEN, "The target breaks P08. 1 property judged, none holds."),
        (Verdict.INCONCLUSIVE, "Nothing is proved either way for P08. 1 property judged, none holds."),
        (Verdict.HARNESS_ERROR, "An error kept the judge from judging P08. Nothing could be judged."),
        (Verdict.NOT_RUN, "Left to run: P08. Nothing could be judged."),
        (Verdict.UNTESTABLE, "This target's door cannot show P08. Nothing could be judged."),
        (Verdict.NOT_CLAIMED, "The target does not claim P08. Nothing could be judged."),
    ],
)
def test_the_headline_says_what_to_act_on(held: Judgement, verdict: Verdict, says: str) -> None:
    assert headline((replace(held, verdict=verdict),), verdict) == says


def test_what_was_judged_in_part_is_not_called_unjudged(held: Judgement) -> None:
    both = (held, replace(held, tier="wire", verdict=Verdict.NOT_RUN))
    assert headline(both, Verdict.NOT_RUN) == "Left to run: P08. 1 property judged, none holds."
