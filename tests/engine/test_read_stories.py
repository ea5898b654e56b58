"""Stories of the read path: doors without one, dice that replay, and steps that no answer changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.catalogue import load_catalogue
from gatespec.checkers.findings import Findings
from gatespec.clock import MonotonicClock
from gatespec.drivers.component_reads import PLAY_MAX_MS, InProcessReadGateway
from gatespec.engine.chapter import load_chapters
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.play import play
from gatespec.engine.rejudge import rejudge
from gatespec.engine.stage import Stage
from gatespec.history import Context, HistoryWriter
from gatespec.ports import Request, Untestable
from gatespec.read_ports import Act, Upstream
from gatespec.verdict import Verdict
from tests.engine.little_gateway import LittleGateway
from tests.engine.little_reads import LittleReads, read_cents
from tests.engine.little_vault import LittleVaulted
from tests.mutants.court import INSTANCES, TARGET, judge
from tests.mutants.p20_deadlines import NoDeadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.history import Example
    from gatespec.read_ports import Asked
    from tests.engine.little_parts import Instance, Part
    from tests.engine.virtual_tasks import Task

CHAPTERS = {name: chapter for name, chapter in load_chapters().items() if chapter.needs and chapter.in_process}
SETTINGS = load_catalogue().defaults()
EXAMPLES = 10


def gateway(make: Any = LittleReads, **settings: str) -> InProcessReadGateway:  # noqa: ANN401 - a driver's class
    opened = InProcessReadGateway(make, settings={**SETTINGS, **settings}, instances=INSTANCES, redis_url=None)
    opened.begin()
    return opened


def read(opened: InProcessReadGateway, *names: str, instance: int = 0, delay_ms: int = 0) -> Request:
    path = "/api/v2/providers?" + "&".join(f"provider={name}" for name in names)
    return Request(opened.fresh("user", "pro"), instance, "GET", path, delay_ms=delay_ms)


def test_a_driver_without_reads_is_untestable_and_closed() -> None:
    closed = []

    class Mute(LittleGateway):
        def close(self) -> None:
            closed.append(self)

    with pytest.raises(Untestable, match="open_reads"):
        gateway(Mute)
    assert len(closed) == 1


def test_spans_and_calls_are_exact() -> None:
    opened = gateway()
    quick, slow = opened.fresh_providers(2)
    opened.provider(slow, latency_ms=333)
    start = opened.clock.now_ms()
    both, late = opened.play([read(opened, quick, slow), read(opened, quick, delay_ms=77)])
    assert [(e.span.sent_ms - start, e.span.heard_ms - start) for e in (both, late)] == [(0, 333), (77, 77)]
    assert [(c.provider, c.serial, c.began_ms - start, c.outcome) for c in opened.calls((quick, slow))] == [
        (quick, 1, 0, "ok"),
        (slow, 1, 0, "ok"),
    ]
    assert opened.clock.now_ms() > both.span.heard_ms


@pytest.mark.parametrize(
    ("failing", "ended", "outcome"),
    [
        ("status", 10, "status"),
        ("reset", 10, "reset"),
        ("undecodable", 10, "undecodable"),
        ("hang", 4000, "client-left"),
    ],
)
def test_every_way_to_fail_is_in_the_ledger(failing: Any, ended: int, outcome: str) -> None:  # noqa: ANN401 - a literal
    opened = gateway()
    (name,) = opened.fresh_providers(1)
    opened.provider(name, latency_ms=10, failing=failing)
    (said,) = opened.play([read(opened, name)])
    (call,) = opened.calls((name,))
    assert ((call.ended_ms or 0) - call.began_ms, call.outcome) == (ended, outcome)
    assert said.status == (504 if failing == "hang" else 503)


def test_what_never_answers_is_given_up() -> None:
    class Deaf(LittleReads):
        def answer(self, instance: Instance, asked: Asked) -> Task:
            del instance, asked
            yield from ()

    opened = gateway(Deaf)
    (said,) = opened.play([read(opened, *opened.fresh_providers(1))])
    assert said.status is None
    assert said.span.heard_ms - said.span.sent_ms >= PLAY_MAX_MS


def test_a_killed_instance_cuts_its_calls_and_forgets() -> None:
    opened = gateway()
    (name,) = opened.fresh_providers(1)
    opened.play([read(opened, name)])
    opened.provider(name, latency_ms=1000)
    opened.invalidate(name, 0)
    opened.wait(300)
    opened.life(0, "killed")
    cut = opened.calls((name,))[-1]
    assert (cut.outcome, cut.ended_ms) == ("client-left", opened.clock.now_ms())
    assert [(done.what, done.how) for done in opened.disturbances] == [
        ("provider", "well"),
        ("invalidate", "0"),
        ("life", "killed"),
    ]


def test_an_act_is_done_at_its_moment() -> None:
    opened = gateway()
    first, second = opened.fresh_providers(2)
    for name in (first, second):
        opened.provider(name, latency_ms=100)
    start = opened.clock.now_ms()
    fail = Act(50, lambda: opened.provider(second, failing="status"))
    well, failed = opened.during([read(opened, first), read(opened, second, delay_ms=60)], fail)
    assert (well.status, failed.status, failed.span.heard_ms - start) == (200, 503, 60)
    assert opened.disturbances[-1].began_ms - start == 50


def test_each_story_begins_anew() -> None:
    opened = gateway()
    (name,) = opened.fresh_providers(1)
    opened.play([read(opened, name)])
    opened.store("hanging")
    opened.begin()
    assert opened.disturbances == []
    (other,) = opened.fresh_providers(1)
    assert other != name
    (said,) = opened.play([read(opened, other)])
    assert said.status == 200
    assert (len(opened.calls((name,))), len(opened.calls((other,)))) == (0, 1)


def test_dice_are_thrown_the_same_from_the_same_seed() -> None:
    throws: list[float] = []

    class Throwing(LittleReads):
        def answer(self, instance: Instance, asked: Asked) -> Task:
            throws.append(self.throw())
            yield from super().answer(instance, asked)

    opened = gateway(Throwing)
    names = opened.fresh_providers(1)
    for seed in (1, 1, 2):
        assert opened.dice(seed)
        opened.play([read(opened, *names)])
    assert throws[0] == throws[1] != throws[2]


class Failing(LittleReads):
    """Answers everybody that nothing is known, at once, and asks nobody."""

    def gather(self, instance: Instance, names: list[str], parts: dict[str, Part], last_ms: int) -> Task:
        del instance, names, parts, last_ms
        yield from ()


class FailingVaulted(Failing, LittleVaulted):
    """The same, where credentials come from Vault."""


PLAYED_ON: dict[str, tuple[type[LittleReads], type[LittleReads]]] = {"P18": (FailingVaulted, LittleVaulted)}
"""Whoever has what the chapter needs."""


def stories(make: type[LittleReads], property_id: str) -> list[Any]:
    heard: list[Any] = []

    class Listening(Stage):
        def finish(self, example: Example, findings: Findings) -> None:
            super().finish(example, findings)
            heard.append(list(example.story))

    chapter = replace(CHAPTERS[property_id], check=lambda *_: Findings())
    settings: Mapping[str, str] = {**SETTINGS, **chapter.settings.get("component", {})}
    opened = InProcessReadGateway(make, settings=settings, instances=INSTANCES, redis_url=None)
    context = Context(property_id, opened.tier, opened.binding, INSTANCES, settings)
    played = play(
        Listening(chapter, opened, context, MonotonicClock()), VerifyPlan(TARGET, Path(), "", examples=EXAMPLES)
    )
    assert played.stopped is None, played.stopped
    return heard


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_same_stories_are_told_whatever_is_answered(property_id: str) -> None:
    failing, right = PLAYED_ON.get(property_id, (Failing, LittleReads))
    assert stories(failing, property_id) == stories(right, property_id)


def test_a_recorded_read_is_judged_the_same(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with path.open("w") as out:
        writer = HistoryWriter(out, target="little")
        told = [judge(make, "P20", history=writer, examples=EXAMPLES) for make in (LittleReads, NoDeadline)]
    again = rejudge(path)
    assert [j.verdict for j in again] == [Verdict.HOLDS, Verdict.BROKEN]
    assert (again[0].evidence, again[0].sharpness) == (told[0].evidence, told[0].sharpness)
    assert again[1].failure is not None
    assert told[1].failure is not None
    assert again[1].failure.breach == told[1].failure.breach


@pytest.mark.parametrize("item", ["null", "true", '"<html>"', "[]", "7", "{}", '{"instance_type": null}'])
def test_the_little_gateway_takes_nonsense_for_no_price(item: str) -> None:
    assert read_cents(Upstream(0, 0, 200, f'{{"data": {{"x": {item}}}}}'.encode())) is None
