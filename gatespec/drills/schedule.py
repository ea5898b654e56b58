"""What a drill will do and when, drawn from its seed beforehand."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gatespec.checkers.answers import READ_PATH
from gatespec.ports import Identity, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatespec.drills.drill import Drill

INTEGRATIONS = "/api/v2/providers/config/integrations"
KEYS = "/api/v2/auth/api-keys"
"""A list that is in the database, and that nobody may have instead of it."""
HEALTH, READY = "/health", "/health/ready"
SECOND_MS = 1_000
WRITE_EVERY_MS = 1_500
KEYS_PER_S = 2
JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class Spell:
    """One coming and going of the fault, in ms after the traffic's start."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Schedule:
    """A seed's choice among what the drill leaves open."""

    kind: str
    spells: tuple[Spell, ...]
    ends_ms: int
    """How long traffic runs."""


@dataclass(frozen=True)
class People:
    """Who asks."""

    polite: tuple[Identity, ...]
    greedy: Identity
    writer: Identity
    """A user who only writes integrations, or asks for his API keys."""


def schedule(drill: Drill, seed: int) -> Schedule:
    """Draw kind, moment and length of the fault; the same seed draws the same."""
    dice = random.Random(f"{drill.name} {seed}")  # noqa: S311 - no secret: a seed has to draw the same again
    fault, steady = drill.fault, drill.traffic.steady_ms
    lasts = dice.randint(*fault.lasts_ms)
    began = steady + dice.randrange(SECOND_MS)
    each = lasts // (2 * fault.flaps - 1)
    spells = tuple(Spell(began + 2 * n * each, began + (2 * n + 1) * each) for n in range(fault.flaps))
    return Schedule(dice.choice(fault.kinds), spells, spells[-1].to_ms + drill.heals_ms + drill.after_ms)


def requests(
    drill: Drill, planned: Schedule, people: People, providers: Sequence[str], instances: int
) -> list[Request]:
    """All that is sent, in its order; instances are asked in turn."""
    traffic = drill.traffic
    reads = (
        Request(people.polite[n % len(people.polite)], n // 2 % instances, path=_path(providers), delay_ms=at)
        for n, at in _beats(traffic.polite_per_s, planned.ends_ms)
    )
    greedy = (
        Request(people.greedy, n % instances, path=_path(providers[:1]), delay_ms=at)
        for n, at in _beats(traffic.greedy_per_s, planned.ends_ms)
    )
    looks = (
        Request(people.polite[0], n // 2 % instances, path=(HEALTH, READY)[n % 2], delay_ms=at)
        for n, at in _beats(2 * traffic.looks_per_s, planned.ends_ms)
    )
    beside = _beside(drill, people.writer, planned.ends_ms, providers, instances)
    return sorted((*reads, *greedy, *looks, *beside), key=lambda request: request.delay_ms)


def _beside(drill: Drill, who: Identity, ends_ms: int, providers: Sequence[str], instances: int) -> Iterable[Request]:
    """What cannot be done without the victim, and has to be refused meanwhile."""
    if drill.fault.victim == "vault":
        return _writes(who, ends_ms, providers, instances)
    if drill.fault.victim == "database":
        return (Request(who, n % instances, path=KEYS, delay_ms=at) for n, at in _beats(KEYS_PER_S, ends_ms))
    return ()


def _writes(who: Identity, ends_ms: int, providers: Sequence[str], instances: int) -> Iterator[Request]:
    for n, at in enumerate(range(0, ends_ms, WRITE_EVERY_MS)):
        body = f'{{"provider": "{providers[n % len(providers)]}", "credential": {{"api_key": "drilled-{n}"}}}}'
        yield Request(who, n % instances, "POST", INTEGRATIONS, JSON, delay_ms=at, body=body)


def _path(providers: Sequence[str]) -> str:
    return f"{READ_PATH}?{urlencode([*(('provider', name) for name in providers), ('limit', 100)])}"


def _beats(per_s: int, ends_ms: int) -> Iterator[tuple[int, int]]:
    return enumerate(range(0, ends_ms, SECOND_MS // per_s))
