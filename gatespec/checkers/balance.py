"""Which endpoints a provider's calls went to, and which they may have gone to.

Every read here comes alone, and nothing stays fresh: so each makes one call, of one attempt or two. Whoever gets the
first attempts is judged by proportion, among calls of which the ledger surely says how every endpoint was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.calls import OK
from gatespec.checkers.choices import balances, surely_in, surely_out
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.stretches import find_disproportions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.checkers.attempts import Call
    from gatespec.checkers.choices import Balance, Choice
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

ROOM = 2
"""A second attempt is made where half of the call's time is left; with less a gateway may find it too short."""


def judge_balance(example: Example, since: int, weights: Sequence[float]) -> Findings:
    """Hold every call against the statement, and the finished stretches against their proportion."""
    findings = Findings()
    for balance in balances(example, weights):
        for choice in (choice for choice in balance.choices if choice.place >= since):
            findings.answers += 1
            findings.sharp += all(surely_in(each) or surely_out(each) for each in choice.states)
            findings.breaches += (Breach(what, choice.place) for what in _faults(balance, choice))
        if balance.choices and balance.choices[-1].place >= since:
            findings.breaches += (Breach(what, balance.choices[-1].place) for what in find_disproportions(balance))
    return findings


def _faults(balance: Balance, choice: Choice) -> Iterator[str]:
    """What is wrong with one call by itself."""
    call, name = choice.call, balance.name
    first, second = call.first, call.second
    if first is None:
        if call.closed:
            yield f"no call was made for a read of {name}, whose breaker was closed, with nothing fresh at hand"
        return
    if balance.is_unhealthy(choice, first.endpoint):
        yield f"endpoint {first.endpoint} of {name} was called though it was out, and others were not"
    if second:
        yield from _faults_of_second(balance, choice, first, second)
    elif call.closed and _leaves_room(balance, first) and (others := balance.others(choice)):
        yield f"the failed attempt at endpoint {first.endpoint} of {name} was not made again at endpoint {others[0]}"


def _leaves_room(balance: Balance, first: UpstreamCall) -> bool:
    took_ms = (first.ended_ms or first.began_ms) - first.began_ms
    return first.outcome != OK and took_ms + balance.slack_ms <= balance.timeout_ms // ROOM


def _faults_of_second(balance: Balance, choice: Choice, first: UpstreamCall, second: UpstreamCall) -> Iterator[str]:
    call, name = choice.call, balance.name
    if len(call.attempts) > len((first, second)):
        yield f"one read of {name} led to {len(call.attempts)} attempts"
    if first.outcome == OK:
        yield f"an attempt at {name} was made once more though the first had not failed"
    if second.endpoint == first.endpoint:
        yield f"the second attempt at {name} was at endpoint {first.endpoint} again"
    elif surely_out(choice.again[second.endpoint]) and any(surely_in(each) for each in choice.again):
        yield f"the second attempt at {name} was at endpoint {second.endpoint}, which was out"
    if call.closed is False:
        yield f"a second attempt at {name} began though its breaker was not closed"
    if late := _shown_late(balance, call, first, second):
        yield late
    elif _is_withheld(balance, call, first, second):
        told = call.read.of(name).words
        yield f"the second attempt at {name} brought its offers in time, and the answer showed them {told}"


def _shown_late(balance: Balance, call: Call, first: UpstreamCall, second: UpstreamCall) -> str:
    took_ms = (second.ended_ms or second.began_ms) - first.began_ms
    shown = call.read.of(balance.name)
    if shown.serial == second.serial and took_ms > balance.timeout_ms + balance.slack_ms:
        return (
            f"the second attempt at {balance.name} ended {took_ms} ms after the first began, and was shown all the same"
        )
    return ""


def _is_withheld(balance: Balance, call: Call, first: UpstreamCall, second: UpstreamCall) -> bool:
    took_ms = (second.ended_ms or second.began_ms) - first.began_ms
    in_time = second.outcome == OK and took_ms + balance.slack_ms < balance.timeout_ms
    shown = call.read.of(balance.name)
    return in_time and not (shown.is_fresh and shown.serial == second.serial)
