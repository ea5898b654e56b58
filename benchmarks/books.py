"""The equation that every number rests on: four accounts of the same requests, kept apart, that must agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True)
class Account:
    """One party's count of the requests of one load."""

    statuses: Mapping[int, int]
    """By HTTP status."""
    caches: Mapping[str, int]
    """By what the cache answered: `hit`, `stale`, `miss`, `none`."""


@dataclass(frozen=True)
class Books:
    """All that was counted during one load of the gateway."""

    load: str
    """Which one, for a person."""
    sent: Account
    """The client's."""
    logged: Account
    """The gateway's log lines."""
    metered: Account
    """What the counters of /metrics rose by."""
    limited: Mapping[str, int]
    """The limiter's decisions by outcome, as metered."""
    calls_metered: int
    """Provider calls that the gateway counted."""
    calls_received: int
    """Calls in the simulated provider's ledger."""
    complaints: tuple[str, ...] = field(default=())
    """Log lines of a warning or worse: the gateway was not doing what was to be measured."""

    @property
    def requests(self) -> int:
        """How many requests the client sent."""
        return sum(self.sent.statuses.values())


@dataclass(frozen=True)
class Total:
    """What was equated in a whole run."""

    requests: int
    caches: Mapping[str, int]
    provider_calls: int


def differences(books: Books) -> list[str]:
    """Say what does not agree, one sentence each; an empty list lets the numbers be printed."""
    return [
        f"{books.load}: {said}"
        for said in (
            *_unequal("status", books, lambda account: account.statuses),
            *_unequal("Cache-Status", books, lambda account: account.caches),
            *_limiter(books),
            *_calls(books),
            *(f"the gateway complained: {line}" for line in books.complaints),
        )
    ]


def total(books: Iterable[Books]) -> Total:
    """Add up books that agree."""
    every = list(books)
    caches: Counter[str] = Counter()
    for each in every:
        caches.update(each.sent.caches)
    return Total(sum(each.requests for each in every), dict(+caches), sum(each.calls_received for each in every))


def _unequal(what: str, books: Books, column: Callable[[Account], Mapping[int, int] | Mapping[str, int]]) -> list[str]:
    counts = [Counter(dict(column(account))) for account in (books.sent, books.logged, books.metered)]
    kinds = sorted({kind for count in counts for kind in count}, key=str)
    return [
        f"{what} {kind}: the client counts {sent:,}, the log {logged:,}, /metrics {metered:,}"
        for kind in kinds
        for sent, logged, metered in [[count[kind] for count in counts]]
        if not sent == logged == metered
    ]


def _limiter(books: Books) -> list[str]:
    """Everybody passed through the limiter, and nobody was refused."""
    if +Counter(dict(books.limited)) == Counter(admitted=books.requests):
        return []
    said = ", ".join(f"{outcome} {count:,}" for outcome, count in books.limited.items()) or "nothing"
    return [f"the client sent {books.requests:,} requests, the limiter decided: {said}"]


def _calls(books: Books) -> list[str]:
    """A provider is called for misses alone; those at the same moment share a call."""
    misses = books.sent.caches.get("miss", 0) + books.sent.caches.get("stale", 0)
    said = []
    if books.calls_received != books.calls_metered:
        said.append(f"the provider received {books.calls_received:,} calls, /metrics counts {books.calls_metered:,}")
    if not min(misses, 1) <= books.calls_received <= misses:
        said.append(f"the provider received {books.calls_received:,} calls for {misses:,} misses")
    return said
