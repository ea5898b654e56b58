"""What a gateway says of what it depends on, and how it refuses what it cannot do without it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gatespec.checkers.findings import Breach
from gatespec.drills.claim import AWAY, FOUND_BACK_MS, PROBLEM, Gone, asked_at, said
from gatespec.drills.phases import touches, windows_of
from gatespec.drills.schedule import HEALTH, INTEGRATIONS, KEYS, READY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gatespec.drills.phases import Window
    from gatespec.history import Example
    from gatespec.ports import Exchange

OK, CREATED = 200, 201
NAMES: Mapping[str, str] = {"store": "redis", "vault": "vault", "database": "postgresql"}
"""What `/health` calls a victim, by what was done to it (spec/openapi.yaml, Health)."""
NOTICED_MS = 5_000
"""From when on it must be known, as long as it may take to be found back. A Vault that hangs is asked a drill's refresh
later at the latest (1.5 s), given up after a time-out as long as a deadline (2 s), and a look may be a second old."""


def health_tells_what_is_away(example: Example, heals_ms: int) -> Iterator[Breach]:
    """While Redis, Vault or PostgreSQL is away `/health` names it and says `degraded`; once healed it says `ok`."""
    windows = [w for w in windows_of(example) if w.what in NAMES]
    gone = Gone.of(example)
    for place, exchange in asked_at(example, HEALTH):
        if gone.excuses(exchange):
            continue
        if exchange.status != OK or (health := _health(exchange)) is None:
            yield Breach(f"/health was {said(exchange)}, without a status and dependencies: 200 is due", place)
            continue
        sent, heard = exchange.span.sent_ms, exchange.span.heard_ms
        away = [w for w in windows if _is_told(w, exchange)]
        yield from (Breach(fault, place) for w in away if (fault := _unsaid(health, NAMES[w.what])))
        if not touches(windows, sent, heard, max(heals_ms, FOUND_BACK_MS)):
            names = {NAMES[w.what] for w in windows}
            yield from (Breach(fault, place) for name in sorted(names) if (fault := _slander(health, name)))


def health_asked_meanwhile(example: Example) -> int:
    """How many answers of `/health` had to tell what was away."""
    windows = [w for w in windows_of(example) if w.what in NAMES]
    return sum(_is_told(w, exchange) for w in windows for _, exchange in asked_at(example, HEALTH))


def _is_told(window: Window, exchange: Exchange) -> bool:
    """Whether it had to be known by then that it was away, and it still was."""
    return window.sure_ms + NOTICED_MS <= exchange.span.sent_ms and exchange.span.heard_ms < window.healing_ms


def it_stays_ready(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """`/health/ready` is 200 throughout: whoever can serve reads is to be sent them, whatever is away."""
    gone = Gone.of(example)
    for place, exchange in asked_at(example, READY):
        if exchange.status != OK and not gone.excuses(exchange):
            yield Breach(f"/health/ready was {said(exchange)}, though reads could be served", place)


def new_integrations_wait(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """With Vault away a new integration is refused with 503 and `Retry-After`; with Vault well it is accepted."""
    asked = asked_at(example, INTEGRATIONS, "POST")
    yield from _waits(asked, windows_of(example), CREATED, "a new integration", "Vault")


def what_needs_the_database_waits(example: Example, _heals_ms: int) -> Iterator[Breach]:
    """With PostgreSQL away a list of API keys is refused with a problem, 503 and `Retry-After`; else it is told."""
    asked = asked_at(example, KEYS)
    yield from _waits(asked, windows_of(example), OK, "a list of API keys", "PostgreSQL")


def _waits(
    asked: Iterable[tuple[int, Exchange]], windows: Sequence[Window], well: int, what: str, who: str
) -> Iterator[Breach]:
    for place, exchange in asked:
        sent, heard = exchange.span.sent_ms, exchange.span.heard_ms
        away = any(w.sure_ms <= sent and heard < w.healing_ms for w in windows)
        if away and not _refuses_well(exchange):
            yield Breach(f"{what} was {said(exchange)} with {who} away: a problem, 503 and Retry-After are due", place)
        elif not touches(windows, sent, heard, FOUND_BACK_MS) and exchange.status != well:
            yield Breach(f"{what} was {said(exchange)} with {who} well", place)


def _refuses_well(exchange: Exchange) -> bool:
    fields = exchange.headers
    return exchange.status == AWAY and "retry-after" in fields and fields.get("content-type", "").startswith(PROBLEM)


def _health(exchange: Exchange) -> Mapping[str, Any] | None:
    """The body, where it has what every `/health` has."""
    try:
        told = json.loads(exchange.body)
    except ValueError:
        return None
    whole = isinstance(told, dict) and "status" in told and isinstance(told.get("dependencies"), dict)
    return told if whole else None


def _unsaid(health: Mapping[str, Any], name: str) -> str:
    """What is missing of the word that it is away; empty where nothing is."""
    state = health["dependencies"].get(name)
    if state in {None, "ok"}:
        return f"/health said {state or 'nothing'} of {name} while it was away"
    return "" if health["status"] == "degraded" else f"/health said {health['status']} while {name} was away"


def _slander(health: Mapping[str, Any], name: str) -> str:
    """What is said of it though it is well."""
    state = health["dependencies"].get(name)
    return "" if state == "ok" else f"/health said {state or 'nothing'} of {name} while it was well"
