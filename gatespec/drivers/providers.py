"""The simulated providers of one lane, as the judge's read driver holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.providers.script import Fault, Script
from gatespec.read_ports import SERIAL_BASE_CENTS, UpstreamCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatespec.providers.control_client import ProvidersControl
    from gatespec.providers.ledger import Call
    from gatespec.read_ports import Failing
    from gatespec.stack.pool import ProviderPool

FAULTS: Mapping[Failing, list[Fault]] = {
    "": [],
    "status": [Fault(kind="status", times=None)],
    "reset": [Fault(kind="reset", times=None)],
    "hang": [Fault(kind="hang", times=None)],
    "undecodable": [Fault(kind="html", status=200, times=None)],
}
OUTCOMES: Mapping[str, Failing] = {"html": "undecodable"}
"""What the ledger calls by another word than the judge."""


class Providers:
    """Lends fresh ones, tells them how to answer, and reads their ledger."""

    def __init__(self, control: ProvidersControl, pool: ProviderPool) -> None:
        self._control = control
        self._pool = pool
        self._after: int | None = None

    def begin(self) -> None:
        """A story begins: what was called before it is of no interest."""
        self._after = None

    def fresh(self, count: int) -> tuple[str, ...]:
        """Providers that nobody read, pricing serially."""
        names = self._pool.take(count)
        if names:
            last = self._control.script(names, Script(serial_cents=SERIAL_BASE_CENTS))
            self._after = last if self._after is None else self._after
        return names

    def behave(self, name: str, latency_ms: int, failing: Failing) -> None:
        """Answer so from now on."""
        self._control.script(name, Script(latency_ms=latency_ms, faults=FAULTS[failing]))

    def calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Their list calls since the story's first provider was lent."""
        if not providers:
            return []
        return [_seen(call) for call in self._control.ledger(providers, "list", after=self._after or 0)]


def _seen(call: Call) -> UpstreamCall:
    outcome = OUTCOMES.get(call.outcome, call.outcome)
    return UpstreamCall(call.provider, call.serial, call.began_ms, call.ended_ms, outcome)
