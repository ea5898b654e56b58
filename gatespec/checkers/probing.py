"""Whether each endpoint is probed, as often as it should be or oftener, by whichever instance."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from gatespec.checkers.attempts import calls_of
from gatespec.checkers.calls import allowance_ms
from gatespec.checkers.findings import Breach
from gatespec.checkers.health import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.checkers.attempts import Call
    from gatespec.history import Example

MISSED = 3
"""Intervals without a probe that nobody's phase explains: where instances take turns, nearly two may pass."""


def find_unprobed(example: Example, since: int, places: int) -> Iterator[Breach]:
    """Where an endpoint surely went unprobed for too long, while its provider's breaker surely was closed."""
    interval_ms, slack_ms = Rules.of(example.context.settings).interval_ms, allowance_ms(example)
    if not interval_ms:
        return
    for name, calls in calls_of(example).items():
        closed = _while_closed(calls)
        if not closed or closed[-1].read.place < since:
            continue
        from_ms, to_ms = closed[0].read.sent_ms, closed[-1].read.heard_ms
        for place in range(places):
            probes = [p.began_ms for p in example.probes if (p.provider, p.endpoint) == (name, place)]
            moments = [from_ms, *(moment for moment in probes if from_ms < moment < to_ms), to_ms]
            longest_ms = max(later - earlier for earlier, later in pairwise(moments))
            if longest_ms > MISSED * interval_ms + slack_ms:
                what = (
                    f"endpoint {place} of {name} was not probed for {longest_ms} ms, where each {interval_ms} ms is due"
                )
                yield Breach(what, closed[-1].read.place)


def _while_closed(calls: Sequence[Call]) -> list[Call]:
    """Calls before the breaker may have opened: while it is open nothing is probed."""
    opened = next((number for number, call in enumerate(calls) if not call.closed), len(calls))
    return list(calls[:opened])
