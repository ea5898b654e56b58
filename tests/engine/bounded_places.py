"""A chapter for the half of P30 that only users with keys of their own can show: calls in flight, per instance.

It is none of the suite's: P30 is judged when its other half is, too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

from gatespec.checkers.answers import READ_PATH
from gatespec.checkers.calls import OK
from gatespec.checkers.places import Crowd, Room, crowds_of, judge_places, most_at_once
from gatespec.engine.chapter import Chapter, Needs
from gatespec.engine.reading import INSTANCES, UNHINDERED, ReadMachine
from gatespec.engine.story import opens, told
from gatespec.ports import Request
from gatespec.read_ports import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.checkers.findings import Findings
    from gatespec.engine.tally import Story
    from gatespec.history import Example
    from gatespec.read_ports import Failing

Manner = Literal["quick", "brisk", "fails", "hangs"]

MANNERS: dict[Manner, tuple[int, Failing]] = {
    "brisk": (300, ""),
    "quick": (0, ""),
    "fails": (300, "status"),
    "hangs": (0, "hang"),
}
REFUSED_MS = 250


class BoundedPlacesMachine(ReadMachine):
    """Users with keys of their own read one provider, many at once."""

    @opens(concurrency=st.integers(1, 3), queue=st.sampled_from((2, 0, 4)))
    def a_provider_arrives(self, concurrency: int, queue: int) -> None:
        """With so many places at each instance, and so many who may wait."""
        self.arrive(1, Shape(concurrency=concurrency, queue=queue))
        self.gateway.provider(self.providers[0], latency_ms=300)

    @told(count=st.integers(1, 10), instance=INSTANCES)
    def a_crowd_reads(self, count: int, instance: int) -> None:
        """So many users at once, none of whom read it before."""
        self.ask(*(self.stranger(instance) for _ in range(count)))

    @told(count=st.integers(1, 10))
    def crowds_read_everywhere(self, count: int) -> None:
        """So many at each instance."""
        self.ask(*(self.stranger(place) for place in range(count * self.gateway.instances)))

    @told(manner=st.sampled_from(tuple(MANNERS)))
    def it_becomes(self, manner: Manner) -> None:
        """Its list answers so from now on."""
        latency_ms, failing = MANNERS[manner]
        self.gateway.provider(self.providers[0], latency_ms=latency_ms, failing=failing)

    def stranger(self, instance: int) -> Request:
        """A read by a user who has just come, with a credential of his own."""
        who = self.gateway.fresh("user", "enterprise")
        self.gateway.own_credential(who, self.providers)
        return Request(who, instance % self.gateway.instances, "GET", f"{READ_PATH}?provider={self.providers[0]}")


def room_of(example: Example) -> Room:
    """What the story's provider came with."""
    return Room(**example.story[0][1])


def check(example: Example, since: int) -> Findings:
    """Every crowd."""
    return judge_places(example, since, room_of(example))


def witness(example: Example) -> Counter[str]:
    """What became of crowds that were more than there were places."""
    marks: Counter[str] = Counter()
    room, crowds = room_of(example), crowds_of(example)
    for number, crowd in enumerate(crowds):
        in_time = sum(read.took_ms <= REFUSED_MS for read in crowd.reads if not read.of(crowd.provider).is_fresh)
        marks["provider-limit"] += len(crowd.reads) > room.concurrency == most_at_once(crowd.calls)
        marks["queue-full"] += len(crowd.reads) > room.both and in_time >= len(crowd.reads) - room.both
        marks["waiting-answered"] += crowd.shown > room.concurrency
        marks["free-again"] += crowd.shown >= room.concurrency and _had_failed(crowds[:number], room)
    return marks


def _had_failed(crowds: Sequence[Crowd], room: Room) -> bool:
    """Whether every place had been taken by a call that failed."""
    return any(sum(call.outcome != OK for call in crowd.calls) >= room.concurrency for crowd in crowds)


def _after(manner: str) -> Story:
    return (
        ("a_provider_arrives", {"concurrency": 2, "queue": 2}),
        ("it_becomes", {"manner": manner}),
        ("a_crowd_reads", {"count": 3, "instance": 0}),
        ("it_becomes", {"manner": "brisk"}),
        ("a_crowd_reads", {"count": 4, "instance": 0}),
    )


TOLD_FIRST: tuple[Story, ...] = (
    (
        ("a_provider_arrives", {"concurrency": 2, "queue": 3}),
        ("a_crowd_reads", {"count": 8, "instance": 0}),
        ("crowds_read_everywhere", {"count": 5}),
    ),
    _after("fails"),
    _after("hangs"),
)

CHAPTER = Chapter(
    "P30",
    BoundedPlacesMachine,
    check,
    witness,
    settings={"component": UNHINDERED},
    examples={"component": 40, "wire": 0},
    steps=6,
    told_first=TOLD_FIRST,
    needs=Needs(),
)
