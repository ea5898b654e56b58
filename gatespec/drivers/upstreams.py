"""Providers in process: they price serially, do as they are told, and keep a ledger by the virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from gatespec.checkers.calls import CLIENT_LEFT, IN_FLIGHT, OK
from gatespec.providers.catalogue import LAMBDA_SERIES, Machine, machines
from gatespec.providers.lambda_cloud import error_body, items, list_body
from gatespec.providers.prices import price_book
from gatespec.read_ports import SERIAL_BASE_CENTS, Upstream, UpstreamCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatespec.clock import Clock
    from gatespec.read_ports import Failing

NO_JSON = b"<html>Service Temporarily Unavailable</html>"
SERVER_ERROR = 500


@dataclass
class _Call:
    instance: int
    began: UpstreamCall
    ends_ms: int
    outcome: str

    def at(self, now_ms: int) -> UpstreamCall:
        """As the ledger shows it at that moment."""
        over = self.ends_ms <= now_ms
        return replace(self.began, ended_ms=self.ends_ms, outcome=self.outcome) if over else self.began


class Upstreams:
    """Every provider of a component driver, and each of their list calls."""

    def __init__(self, clock: Clock, timeout_ms: int) -> None:
        """A call is given up by its gateway after `timeout_ms`, at the latest; no driver says when it did."""
        self._clock = clock
        self._timeout_ms = timeout_ms
        self._numbers = count(1)
        self._behaviours: dict[str, tuple[int, Failing]] = {}
        self._calls: dict[str, list[_Call]] = {}

    def fresh(self, wanted: int) -> tuple[str, ...]:
        """Bring providers that nobody asked yet."""
        names = tuple(f"serial-{next(self._numbers)}" for _ in range(wanted))
        for name in names:
            self.behave(name, 0, "")
        return names

    def behave(self, name: str, latency_ms: int, failing: Failing) -> None:
        """Answer so the calls that arrive from now on."""
        self._behaviours[name] = (latency_ms, failing)

    def knows(self, name: str) -> bool:
        """Whether there is such a provider."""
        return name in self._behaviours

    def call(self, instance: int, provider: str) -> Upstream:
        """Take a list call that begins now into the ledger, and say what it will meet."""
        now, seen = self._clock.now_ms(), self._calls.setdefault(provider, [])
        latency_ms, failing = self._behaviours[provider]
        serial = len(seen) + 1
        left = failing == "hang" or latency_ms >= self._timeout_ms
        outcome = CLIENT_LEFT if left else failing or OK
        began = UpstreamCall(provider, serial, now, None, IN_FLIGHT)
        seen.append(_Call(instance, began, now + (self._timeout_ms if left else latency_ms), outcome))
        if failing == "hang":
            return Upstream(None, None, b"")
        return Upstream(latency_ms, *_answer(serial, failing))

    def cut(self, instance: int) -> None:
        """End what a killed instance had in flight: its connections close with it."""
        now = self._clock.now_ms()
        for call in (c for calls in self._calls.values() for c in calls):
            if call.instance == instance and call.ends_ms > now:
                call.ends_ms, call.outcome = now, CLIENT_LEFT

    def calls(self, providers: Sequence[str]) -> list[UpstreamCall]:
        """Their list calls as of now, in order of arrival."""
        now = self._clock.now_ms()
        found = [call.at(now) for name in providers for call in self._calls.get(name, [])]
        return sorted(found, key=lambda call: (call.began_ms, call.serial))


def _answer(serial: int, failing: Failing) -> tuple[int | None, bytes]:
    if failing == "reset":
        return None, b""
    if failing == "status":
        return SERVER_ERROR, error_body("global/internal-error", "An internal error occurred.")
    return 200, NO_JSON if failing == "undecodable" else serial_body(serial)


def serial_body(serial: int) -> bytes:
    """The list whose one machine's price names the call."""
    return list_body(items([replace(_one_machine(), cents=SERIAL_BASE_CENTS + serial)], ()))


@cache
def _one_machine() -> Machine:
    """A machine that is one offer: of one region alone."""
    machine = machines(LAMBDA_SERIES, price_book().days(LAMBDA_SERIES)[-1])[0]
    return replace(machine, regions=machine.regions[:1])
