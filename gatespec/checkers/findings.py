"""What a checker found in a story, and what it may assume of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.history import Example
    from gatespec.ports import Exchange


@dataclass(frozen=True)
class Breach:
    """One answer, or one set of them, that the statement does not permit."""

    what: str
    """What came, and what was permitted, in one sentence."""
    exchange: int
    """Which exchange of the example shows it."""


@dataclass
class Findings:
    """All that a checker has to say of a story."""

    breaches: list[Breach] = field(default_factory=list)
    answers: int = 0
    """Answers about which the oracle was asked."""
    sharp: int = 0
    """Those of them for which it permitted exactly one."""

    def add(self, other: Findings) -> None:
        """Take over what another checker found."""
        self.breaches += other.breaches
        self.answers += other.answers
        self.sharp += other.sharp

    @property
    def sharpness(self) -> float:
        """Share of answers with exactly one permitted verdict; 1 where nothing was asked."""
        return self.sharp / self.answers if self.answers else 1.0


class HistoryUnsound(Exception):  # noqa: N818 - it becomes the verdict `harness error`
    """The record contradicts itself, so nothing may be concluded from it about the target."""


def check_soundness(example: Example) -> None:
    """Raise `HistoryUnsound` unless spans run forwards, and requests, disturbances and calls stand in their order."""
    for number, exchange in enumerate(example.exchanges):
        if exchange.span.heard_ms < exchange.span.sent_ms:
            raise HistoryUnsound(f"exchange {number} of example {example.number} was heard before it was sent")
        if not 0 <= exchange.request.instance < example.context.instances:
            raise HistoryUnsound(f"exchange {number} of example {example.number} went to an instance that is not there")
    _check_order(example.exchanges, example.number)
    _check_disturbances(example)
    _check_calls(example)


def _check_order(exchanges: Sequence[Exchange], number: int) -> None:
    last: dict[str, int] = {}
    for exchange in exchanges:
        who = exchange.request.identity.id
        if exchange.span.sent_ms < last.get(who, exchange.span.sent_ms):
            raise HistoryUnsound(f"example {number}: the requests of {who} are not in the order sent")
        last[who] = exchange.span.sent_ms


def _check_disturbances(example: Example) -> None:
    last = 0
    for number, done in enumerate(example.disturbances):
        if not last <= done.began_ms <= done.done_ms:
            raise HistoryUnsound(
                f"example {example.number}: disturbance {number} has no end, or stands before its turn"
            )
        last = done.began_ms


def _check_calls(example: Example) -> None:
    """A price names its call only where a provider's serials are 1, 2, 3 in order of arrival, each once."""
    serials: dict[str, int] = {}
    began: dict[str, int] = {}
    for call in example.calls:
        named = f"example {example.number}: call {call.serial} of {call.provider}"
        if call.serial != serials.get(call.provider, 0) + 1:
            raise HistoryUnsound(f"{named} comes after call {serials.get(call.provider, 0)}")
        if call.began_ms < began.get(call.provider, call.began_ms):
            raise HistoryUnsound(f"{named} arrived before the one before it")
        if call.ended_ms is not None and call.ended_ms < call.began_ms:
            raise HistoryUnsound(f"{named} ended before it began")
        serials[call.provider], began[call.provider] = call.serial, call.began_ms
