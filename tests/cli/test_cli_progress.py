from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING

import pytest

from gatespec.cli.console import PlainProgress, show_closing, watching
from gatespec.clock import VirtualClock, until
from gatespec.verdict import Verdict
from tests.cli.pretended_engine import judgement

if TYPE_CHECKING:
    from gatespec.verdict import Judgement

WITHIN_MS = 10_000
"""A thread of our own says something at once; this is for a machine that is very busy."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def judged() -> list[Judgement]:
    return [judgement(Verdict.HOLDS, "P03"), judgement(Verdict.INCONCLUSIVE, "P07")]


def tell(out: io.StringIO, judged: list[Judgement]) -> None:
    with watching(out) as progress:
        progress.stage("starting Redis")
        progress.stage("starting Redis")
        for judgement in judged:
            progress.start(judgement.property_id, judgement.tier, judgement.binding, 300)
            for done in range(1, 301):
                progress.example(judgement.property_id, judgement.tier, judgement.binding, done)
            progress.finish(judgement)


@pytest.mark.parametrize("colour", ["FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"])
def test_without_a_terminal_there_is_one_plain_line_each(
    judged: list[Judgement], colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(colour, "1")
    out = io.StringIO()
    tell(out, judged)
    assert out.getvalue().splitlines() == [
        "..   starting Redis",
        "P03  wire       http     holds          300 examples, 2,410 requests, sharp 100 %",
        "P07  wire       http     inconclusive   this is why: inconclusive; 300 examples, 2,410 requests, sharp 100 %",
    ]


def test_on_a_terminal_each_verdict_stays_once(judged: list[Judgement], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    tell(out, judged)
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert drawn.count("300 examples, 2,410 requests") == 2
    assert "P07  wire       http     inconclusive   this is why: inconclusive; 300 examples" in drawn
    assert "\x1b[32mholds" in out.getvalue()
    assert out.getvalue().count("\x1b[?25l") == out.getvalue().count("\x1b[?25h") == 1


def test_a_long_silence_is_broken_by_a_sign_of_life() -> None:
    out, clock = io.StringIO(), VirtualClock()
    progress = PlainProgress(out, clock, heartbeat_s=0.01)
    progress.start("P08", "wire", "http", 300)
    progress.example("P08", "wire", "http", 120)
    clock.advance(45_000)
    heart = threading.Thread(target=progress.watch)
    heart.start()
    try:
        assert until(lambda: out.getvalue().count("\n") >= 2, at_most_ms=WITHIN_MS)
    finally:
        progress.end()
        heart.join(WITHIN_MS / 1000)
    assert not heart.is_alive()
    assert out.getvalue().splitlines()[0] == "..   P08 wire http, 120 of 300 examples, 45.0 s"


def test_a_sign_of_life_names_all_that_is_under_way() -> None:
    out, clock = io.StringIO(), VirtualClock()
    progress = PlainProgress(out, clock)
    progress.start("P08", "wire", "http", 300)
    clock.advance(5_000)
    progress.start("P08", "component", "pure", 200)
    progress.example("P08", "component", "pure", 7)
    progress.beat()
    assert (
        out.getvalue() == "..   P08 wire http, 0 of 300 examples, 5.0 s; P08 component pure, 7 of 200 examples, 0 ms\n"
    )
    progress.finish(judgement(Verdict.HOLDS))
    progress.beat()
    assert out.getvalue().splitlines()[-1] == "..   P08 component pure, 7 of 200 examples, 0 ms"


def test_what_several_judges_begin_alike_is_said_once() -> None:
    out = io.StringIO()
    progress = PlainProgress(out, VirtualClock())
    for text in ("starting redis", "starting postgres", "starting redis"):
        progress.stage(text)
    assert out.getvalue().splitlines() == ["..   starting redis", "..   starting postgres"]


def test_an_error_inside_ends_the_watch() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), watching(io.StringIO()) as progress:
        progress.stage(str(1 // 0))
    assert threading.active_count() == before


def test_the_closing_shows_strangers_text_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    show_closing((judgement(Verdict.BROKEN),), Verdict.BROKEN)
    told = terminal.getvalue()
    assert "asks([red]again[/red])" in told
    assert next(line for line in told.splitlines() if "replay  " in line).rstrip().endswith("]]'")
    assert capsys.readouterr().out == ""
