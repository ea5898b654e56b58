"""A run for a terminal: one line per judgement, and in the end what a person must act on."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from gatespec.report.entries import Chapter, Entry, chapters, counts, headline
from gatespec.report.visible import visible_line
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR_MARK = "error["
"""How the form of every error begins."""
STEPS_SHOWN_MAX = 40
"""Steps of a story that the terminal shows; the report holds all of them."""
_TIER_WIDTH = len("real-time")
_BINDING_WIDTH = len("cluster")
VERDICT_WIDTH = max(len(verdict) for verdict in Verdict)
VERDICT_COLUMN = len("P08  ") + _TIER_WIDTH + len("  ") + _BINDING_WIDTH + len("  ")
"""Where in a judgement's line the verdict begins."""


def judgement_line(judgement: Judgement) -> str:
    """`P08  wire       http   holds   300 examples, 2,410 requests, sharp 97 %`, or why it is not so."""
    about = f"{judgement.property_id:<3}  {judgement.tier:<{_TIER_WIDTH}}  {judgement.binding:<{_BINDING_WIDTH}}  "
    rests_on = counts(judgement) if judgement.requests else ""
    # Why it broke is told in the end, beside its story, and an error in all its lines.
    reason = "" if judgement.verdict is Verdict.BROKEN else _sentence(judgement.reason)
    known = "known failure" if judgement.known_failure else ""
    says = "; ".join(filter(None, (known, reason, rests_on)))
    return visible_line(f"{about}{judgement.verdict:<{VERDICT_WIDTH}}  {says}").rstrip()


def errors(judgements: tuple[Judgement, ...]) -> tuple[str, ...]:
    """The errors that kept the judge from judging, each once and in the form of `gatespec.errors`."""
    return tuple(dict.fromkeys(j.reason for j in judgements if j.reason.startswith(ERROR_MARK)))


def _sentence(reason: str) -> str:
    """A reason on one line: of an error, what broke."""
    return reason.splitlines()[0] if reason.startswith(ERROR_MARK) else " ".join(reason.split())


def closing_lines(judgements: tuple[Judgement, ...], verdict: Verdict) -> Iterator[str]:
    """Every broken statement with its shortest stories, then the verdict; nothing that a judgement's line said."""
    for chapter in chapters(judgements):
        broken = [entry for entry in chapter.entries if entry.judgement.verdict is Verdict.BROKEN]
        if broken:
            yield from _broken(chapter, broken)
    yield ""
    yield f"verdict  {verdict}: {visible_line(headline(judgements, verdict))}"


def _broken(chapter: Chapter, entries: list[Entry]) -> Iterator[str]:
    about = chapter.about
    yield ""
    yield visible_line(f"{about.property_id} {about.title} ({about.level}) is broken:")
    yield f"  {visible_line(about.statement)}"
    for (story, breach, replay), alike in groupby(sorted(entries, key=_tale), key=_tale):
        yield f"  {'; '.join(_medium(entry) for entry in alike)}"
        yield from _story(story)
        yield f"    breach  {visible_line(breach)}"
        if replay:
            yield f"    replay  {visible_line(replay)}"


def _tale(entry: Entry) -> tuple[tuple[str, ...], str, str]:
    """What there is to tell; two bindings that broke alike are told once."""
    failure, reason = entry.judgement.failure, entry.judgement.reason
    return (failure.story, failure.breach or reason, failure.replay) if failure else ((), reason, "")


def _medium(entry: Entry) -> str:
    failure = entry.judgement.failure
    again = f", reproduced {failure.reproduced}/{failure.replays}" if failure and failure.replays else ""
    return f"{visible_line(entry.medium)}{again}"


def _story(story: tuple[str, ...]) -> Iterator[str]:
    for number, step in enumerate(story[:STEPS_SHOWN_MAX], 1):
        yield f"    {number:>2}. {visible_line(step)}"
    if len(story) > STEPS_SHOWN_MAX:
        yield f"        and {len(story) - STEPS_SHOWN_MAX} more, which the report tells"
