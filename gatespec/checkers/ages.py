"""The age of what is shown for want of anything newer: a warning's `as_of`, held against other answers'.

The judge and the gateway share no calendar, so a single moment proves little; but one and the same offer has one age
on every instance whenever it is asked for, and an older one is not of a later moment.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gatespec.checkers.answers import reads_of
from gatespec.checkers.calls import ledgers
from gatespec.checkers.findings import Breach

if TYPE_CHECKING:
    from datetime import datetime

    from gatespec.history import Example

WHOLE_SECOND = timedelta(seconds=1)
"""A moment may be told in whole seconds."""


def find_wrong_ages(example: Example, since: int) -> list[Breach]:
    """Every answer from this place on whose `as_of` is missing, or contradicts another answer's."""
    told: dict[tuple[str, int], datetime] = {}
    breaches, by_name = [], ledgers(example)
    for read in reads_of(example):
        for name in read.asked:
            shown = read.of(name)
            if not shown.is_stale or shown.serial is None:
                continue
            if shown.as_of is None:
                breaches.append(Breach(f"{name} is stale, and its warning does not say of when it is", read.place))
                continue
            first = told.setdefault((name, shown.serial), shown.as_of)
            call = by_name[name].get(shown.serial)
            unclear = timedelta(milliseconds=call.ended_ms - call.began_ms + call.slack_ms if call else 0)
            if abs(first - shown.as_of) > WHOLE_SECOND + unclear:
                what = (
                    f"{name} is of its call {shown.serial} and as of {shown.as_of}; earlier the same was as of {first}"
                )
                breaches.append(Breach(what, read.place))
    return [breach for breach in breaches if breach.exchange >= since]
