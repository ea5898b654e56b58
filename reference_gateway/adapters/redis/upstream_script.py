"""The upstream script's arguments and answers, without a connection: its callers are async, in pipelines, or sync."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from reference_gateway.adapters.redis.words import Call, Script, TooLate
from reference_gateway.core.upstream.breaker import Breaker
from reference_gateway.core.upstream.endpoints import Endpoint
from reference_gateway.core.upstream.pace import Pace, interval_us
from reference_gateway.core.upstream.ports import Admission, Refused, State, Why
from reference_gateway.core.upstream.shared import SharedUpstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.upstream.ports import Attempted, Outcome, Rules

VERSION = 1
"""Of the hash's fields: instances of another version keep to their own."""
PREFIX = f"upstream:{VERSION}:"
TURN_PREFIX = f"turn:{VERSION}:"
KEEP_MS = 2 * 86_400_000
"""An untouched hash lives this long: longer than any pause, and than a provider that nobody reads stays interesting."""
SCRIPT = Script(Path(__file__).with_name("upstream.lua").read_text(encoding="ascii"), (KEEP_MS,))
SAID = 4
"""Parts of an answer before the hash's fields."""
OF_BREAKER = 7
OF_ENDPOINT = 4
"""Fields of each."""


def admit(rules: Rules, open_for_ms: int | None = None) -> Call:
    """Build the words of `UpstreamStore.admit`; `open_for_ms` is believed where the server knows nothing."""
    return _call("admit", rules, "" if open_for_ms is None else open_for_ms)


def still_closed(rules: Rules, admission: Admission) -> Call:
    """Build the words of `UpstreamStore.still_closed`."""
    return _call("still", rules, admission.period)


def finish(
    rules: Rules, admission: Admission, outcome: Outcome, attempts: Sequence[Attempted], retry_after_ms: int
) -> Call:
    """Build the words of `UpstreamStore.finish`."""
    made = [part for each in attempts for part in (each.endpoint, each.took_ms, int(each.failed))]
    return _call("finish", rules, admission.period, admission.trial, outcome, max(0, retry_after_ms), *made)


def probed(rules: Rules, endpoint: int, *, well: bool) -> Call:
    """Build the words of `UpstreamStore.probed`."""
    return _call("probed", rules, endpoint, int(well))


def look(rules: Rules) -> Call:
    """Build the words of `UpstreamStore.look`."""
    return _call("look", rules)


def turn(every_ms: int) -> Call:
    """Build the words of `UpstreamStore.turn`."""
    return ("turn", every_ms)


def _call(verb: str, rules: Rules, *rest: int | str) -> Call:
    breaker = (rules.window, repr(rules.failure_rate), rules.open_ms, rules.trials, rules.trial_ms)
    return (verb, *breaker, interval_us(rules), rules.endpoints, *rest)


def said(reply: Sequence[Any]) -> str:
    """Read what an answer says in one word; raises `TooLate`."""
    if len(reply) == 1:
        raise TooLate
    return bytes(reply[1]).decode("ascii")


def state(reply: Sequence[Any]) -> State:
    """Read the answer to `finish`; raises `TooLate`, or ValueError."""
    word = said(reply)
    if word not in get_args(State):
        raise ValueError(f"expected a state, found {word!r}")
    return cast("State", word)


def answer(reply: Sequence[Any], provider: str, rules: Rules) -> Admission | Refused:
    """Read the answer to `admit`; raises `TooLate`, or ValueError."""
    word, one, two = said(reply), int(reply[2]), int(reply[3])
    if word == "admitted":
        return Admission(provider, one, two, shared(reply).look(rules, int(reply[0])))
    if word not in get_args(Why):
        raise ValueError(f"expected a refusal, found {word!r}")
    return Refused(cast("Why", word), one)


def shared(reply: Sequence[Any]) -> SharedUpstream:
    """Read all that the server knows of a provider; raises `TooLate`, or ValueError."""
    if len(reply) < SAID + OF_BREAKER:
        raise TooLate
    period, state_now, results, opened_ms, trials, held_ms, next_us = reply[SAID : SAID + OF_BREAKER]
    rest = reply[SAID + OF_BREAKER :]
    breaker = Breaker(
        int(period),
        cast("State", bytes(state_now).decode("ascii")),
        tuple(each == ord("1") for each in bytes(results)),
        int(opened_ms),
        tuple(int(began) or None for began in bytes(trials).split()),
    )
    endpoints = tuple(_endpoint(*rest[at : at + OF_ENDPOINT]) for at in range(0, len(rest), OF_ENDPOINT))
    return SharedUpstream(breaker, endpoints, Pace(int(held_ms), int(next_us)))


def _endpoint(took_ms: bytes, failures: bytes, out_ms: bytes, checked_ms: bytes) -> Endpoint:
    took = tuple(int(each) for each in took_ms.split())
    return Endpoint(took, int(failures or 0), int(out_ms) if out_ms else None, int(checked_ms) if checked_ms else None)
