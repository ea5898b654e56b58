"""What the little read path knows: entries, flights, processes, and what an answer says of a provider."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.engine.virtual_tasks import Process


class Away(Exception):  # noqa: N818 - the store's state, not an error of this code
    """The store does not answer."""


@dataclass(frozen=True)
class Entry:
    """What is known of a provider."""

    cents: int
    fetched_ms: int
    delta_ms: int
    invalid: bool = False


@dataclass
class Flight:
    """A fetch under way at one instance, and what came of it."""

    leads: bool | None = None
    entry: Entry | None = None
    timed_out: bool = False
    refused: bool = False
    over: bool = False


@dataclass
class Instance(Process):
    """One process: its memory, and what it knows of the store."""

    number: int = 0
    l2: dict[str, Entry] = field(default_factory=dict)
    flights: dict[str, Flight] = field(default_factory=dict)
    away: bool = False


@dataclass
class Part:
    """What an answer says of one provider: its offers, the code of a warning, and where was looked."""

    entry: Entry | None
    warning: str = ""
    tiers: tuple[str, ...] = ()
