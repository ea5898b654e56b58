"""The record of every call that a simulated provider received: what ledger properties are judged by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

CALLS_MAX = 200_000
"""Calls that are kept; later ones are counted as `dropped`, and a ledger that dropped one is no evidence."""

FINGERPRINT_DIGITS = 12

Kind = Literal["list", "probe", "token", "rent", "other"]


def fingerprint(credential: str) -> str:
    """Which credential it was, without saying it: the first hex digits of its SHA-256; empty for none."""
    return hashlib.sha256(credential.encode()).hexdigest()[:FINGERPRINT_DIGITS] if credential else ""


@dataclass(frozen=True)
class Call:
    """One request at a provider; times are ms of the machine's monotonic clock, which the judge shares."""

    number: int
    """Dense and rising in order of arrival, over all providers, never used twice."""
    provider: str
    endpoint: str
    """Which of the provider's base URLs: what stands after `@` in its path segment, else empty."""
    kind: Kind
    method: str
    path: str
    credential: str = field(repr=False)
    """As presented; kept in memory only, and told only to who asks for it by name."""
    fingerprint: str
    began_ms: int
    ended_ms: int | None = None
    """None while the call is in flight."""
    status: int | None = None
    """None where nothing was answered."""
    outcome: str = "in-flight"
    """`ok`, `refused` (401, 403, 404), the fault's kind, or `client-left`."""
    serial: int = 0
    """Which of its provider's list calls it was, from 1 in order of arrival; 0 for every other kind."""


class Ledger:
    """Every call since the last clearing, at most `calls_max` of them."""

    def __init__(self, calls_max: int = CALLS_MAX) -> None:
        self._calls_max = calls_max
        self._calls: dict[int, Call] = {}
        self._next = 1
        self.dropped = 0
        self.strays = 0
        """Requests for a provider that is not simulated here."""

    def begin(self, call: Call) -> int:
        """Write a call down as it arrives; return the number under which it ends."""
        number, self._next = self._next, self._next + 1
        if len(self._calls) >= self._calls_max:
            self.dropped += 1
        else:
            self._calls[number] = replace(call, number=number)
        return number

    def end(self, number: int, ended_ms: int, outcome: str, status: int | None) -> None:
        """Say how a call ended; one that was cleared or dropped meanwhile stays so."""
        if number in self._calls:
            self._calls[number] = replace(self._calls[number], ended_ms=ended_ms, outcome=outcome, status=status)

    @property
    def last(self) -> int:
        """The number of the latest call; 0 before the first."""
        return self._next - 1

    def calls(self, providers: Collection[str] = (), kind: str | None = None, after: int = 0) -> list[Call]:
        """Calls in order of arrival, of these providers and this kind where given, with a number above `after`.

        Takes as long as there are calls after it, however long the ledger is.
        """
        later = takewhile(lambda number: number > after, reversed(self._calls))
        calls = [self._calls[number] for number in later]
        return [c for c in reversed(calls) if (not providers or c.provider in providers) and kind in {None, c.kind}]

    def clear(self, provider: str | None = None) -> int:
        """Forget calls, of one provider or all (then also what was dropped); return how many."""
        if provider is None:
            gone, self._calls, self.dropped, self.strays = self._calls, {}, 0, 0
            return len(gone)
        gone = {number: call for number, call in self._calls.items() if call.provider == provider}
        for number in gone:
            del self._calls[number]
        return len(gone)
