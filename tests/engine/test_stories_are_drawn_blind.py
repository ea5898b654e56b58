"""What a story does next never depends on what was answered: else a run could not be repeated on a wire."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.catalogue import load_catalogue
from gatespec.checkers.findings import Findings
from gatespec.clock import MonotonicClock
from gatespec.drivers.component import InProcessGateway
from gatespec.engine.chapter import load_chapters
from gatespec.engine.plan import VerifyPlan
from gatespec.engine.play import play
from gatespec.engine.stage import Stage
from gatespec.history import Context, Example
from tests.engine.little_gateway import LittleGateway
from tests.mutants.court import INSTANCES, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = 15
CHAPTERS = {name: chapter for name, chapter in load_chapters().items() if chapter.needs is None}


class Refusing(LittleGateway):
    """Refuses everybody, always, and gives nothing to revalidate."""

    def request(
        self, instance: int, method: str, path: str, headers: Mapping[str, str], credential: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str], bytes]:
        del instance, method, path, headers, credential
        return 429, {"Retry-After": "1"}, b""


@dataclass
class Listening(Stage):
    """Keeps what was told, and judges nothing."""

    heard: list[Any] = field(default_factory=list)

    def finish(self, example: Example, findings: Findings) -> None:
        super().finish(example, findings)
        self.heard.append(list(example.story))


def stories(make: type[LittleGateway], property_id: str) -> list[Any]:
    chapter = replace(CHAPTERS[property_id], check=lambda *_: Findings())
    settings = {**load_catalogue().defaults(), **chapter.settings.get("component", {})}
    gateway = InProcessGateway(make, settings=settings, instances=INSTANCES, redis_url=None)
    context = Context(property_id, gateway.tier, gateway.binding, INSTANCES, settings)
    stage = Listening(chapter, gateway, context, MonotonicClock())
    played = play(stage, VerifyPlan(TARGET, Path(), "", examples=EXAMPLES))
    assert played.stopped is None, played.stopped
    return stage.heard


@pytest.mark.parametrize("property_id", CHAPTERS)
def test_the_same_stories_are_told_whatever_is_answered(property_id: str) -> None:
    told = stories(LittleGateway, property_id)
    assert len(told) > EXAMPLES
    assert stories(Refusing, property_id) == told
