"""What reads find, and whether the bytes that were made of it are still good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_gateway.core.answers import entry as bytes_of
from reference_gateway.edge.finding import SIGHTINGS_MAX, Finding, Sighting
from reference_gateway.edge.ready import ReadyAnswers
from tests.gateway_reads.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference_gateway.core.cache.shown import Shown

TTL_MS = 60_000
NS = 1_000_000


class Reader:
    """An instance's finding, on the clock of a judge."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        instance = judge.driver.instances[0]
        self._process = instance.process
        self.finding = Finding(("p", "q"), instance.cache, instance.credentials, instance.runtime, 5_000)

    def find(self, *names: str, for_ms: int = 100) -> Sequence[Shown]:
        found: list[Shown] = []

        async def work() -> None:
            found.extend(await self.finding.find(names))

        self.judge.driver.turns.start(self._process, work())
        self.judge.run(for_ms)
        return found

    def sight(self, *names: str) -> Sighting:
        sighting = self.finding.sight(self.find(*names))
        assert sighting is not None
        return sighting


@pytest.fixture
def reader() -> Iterator[Reader]:
    judge = Judge()
    judge.provider()
    judge.provider("q")
    yield Reader(judge)
    judge.driver.close()


def test_it_is_as_fresh_as_the_one_that_expires_first(reader: Reader) -> None:
    reader.find("p")
    reader.judge.run(1_000)
    begun_ms = reader.judge.clock.ms - 1_100
    assert reader.finding.expires_ms(reader.sight("p", "q")) == begun_ms + TTL_MS


def test_bytes_are_good_while_all_that_they_were_made_of_is_the_newest(reader: Reader) -> None:
    both, alone = reader.sight("p", "q"), reader.sight("q")
    assert reader.sight("p", "q") is both
    reader.judge.invalidate("p")
    assert (both.current, alone.current) == (False, True)
    assert reader.finding.sight(reader.find("p", for_ms=0)) is None
    reader.judge.run(100)
    assert reader.sight("p", "q").current


def test_a_newer_list_ends_them_too(reader: Reader) -> None:
    seen = reader.sight("p")
    reader.judge.run(TTL_MS - 200)
    reader.judge.dice = 0.0
    assert reader.judge.clock.ms >= seen.watch_from_ms
    reader.finding.refresh_early(seen)
    reader.judge.run(99)
    assert seen.current
    reader.judge.run(1)
    assert not seen.current
    assert reader.judge.calls()["p"] == 2


def test_before_the_earliest_moment_nobody_needs_to_draw(reader: Reader) -> None:
    seen = reader.sight("p")
    reader.judge.run(seen.watch_from_ms - reader.judge.clock.ms - 1)
    reader.judge.dice = 0.0
    reader.finding.refresh_early(seen)
    reader.judge.run(1_000)
    assert reader.judge.calls()["p"] == 1


def test_what_was_shown_but_is_not_the_newest_is_not_watched(reader: Reader) -> None:
    shown = reader.find("p")
    reader.judge.run(2 * TTL_MS)
    reader.find("p")
    assert reader.finding.sight(shown) is None


def test_the_sets_that_are_watched_are_bounded(reader: Reader) -> None:
    first = reader.sight("p")
    for number in range(SIGHTINGS_MAX):
        reader.judge.provider(f"n{number}", latency_ms=0)
        reader.sight(f"n{number}")
    assert not first.current


def test_ready_bytes_go_with_their_sighting(reader: Reader) -> None:
    ready, seen = ReadyAnswers(), reader.sight("p")
    now_ns = reader.judge.clock.ms * NS
    ready.put(b"a", bytes_of(b"1"), now_ns + 5 * NS, seen, ["p"])
    assert ready.get(b"a", now_ns) is not None
    assert ready.get(b"a", now_ns + 5 * NS) is None
    ready.put(b"a", bytes_of(b"1"), now_ns + 5 * NS, seen, ["p"])
    reader.judge.invalidate("p")
    assert ready.get(b"a", now_ns) is None
