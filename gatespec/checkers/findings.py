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
    """Raise `HistoryUnsound` unless spans run forwards and requests stand in the order sent."""
    for number, exchange in enumerate(example.exchanges):
        if exchange.span.heard_ms < exchange.span.sent_ms:
            raise HistoryUnsound(f"exchange {number} of example {example.number} was heard before it was sent")
        if not 0 <= exchange.request.instance < example.context.instances:
            raise HistoryUnsound(f"exchange {number} of example {example.number} went to an instance that is not there")
    _check_order(example.exchanges, example.number)


def _check_order(exchanges: Sequence[Exchange], number: int) -> None:
    last: dict[str, int] = {}
    for exchange in exchanges:
        who = exchange.request.identity.id
        if exchange.span.sent_ms < last.get(who, exchange.span.sent_ms):
            raise HistoryUnsound(f"example {number}: the requests of {who} are not in the order sent")
        last[who] = exchange.span.sent_ms
