"""Reading the list of offers: from what is fresh, from providers, or from what was last known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.adapters.providers import FailureKind, ProviderFailed
from reference_gateway.core.answers import Entry, entry
from reference_gateway.core.offers import AnswerWarning, list_body
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.l2 import NS_PER_S, L2InMemoryCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.query import Query
    from reference_gateway.edge.provider_lists import Known, ProviderLists

PROVIDERS_RETRY_S = 1


class Read(NamedTuple):
    """What a read found: an entry, or the problem that there is none; and how the cache answered."""

    entry: Entry | None
    problem: Problem | None
    cache_status: str
    outcome: str
    """`hit`, `miss` or `stale`, for logs and metrics."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one provider for one read."""

    known: Known | None
    warning: AnswerWarning | None = None
    timed_out: bool = False


class OfferReads:
    """Answers queries over the providers' lists."""

    def __init__(self, lists: ProviderLists, cache: L2InMemoryCache, deadline_s: float) -> None:
        self._lists = lists
        self._cache = cache
        self._deadline_s = deadline_s

    def ready(self, raw_query: bytes, now_ns: int) -> Read | None:
        """Return ready bytes for a query string spelled just so."""
        fresh = self._cache.get(raw_query, now_ns)
        return None if fresh is None else _hit(fresh.entry, fresh.ttl_s)

    async def read(self, query: Query, raw_query: bytes) -> Read:
        """Answer `query`. A provider that there is not has no offers."""
        names = self._asked(query)
        key = query.cache_key().encode()
        if (fresh := self._cache.get(key, clock.monotonic_ns())) is not None:
            self._cache.put(raw_query, fresh.entry, fresh.expires_ns)
            return _hit(fresh.entry, fresh.ttl_s)
        if not names:
            return Read(entry(list_body((), query, clock.epoch_ms())), None, "l2; fwd=miss", "miss")
        found = await self._find(names)
        return self._rendered(query, found, (key, raw_query))

    def _asked(self, query: Query) -> list[str]:
        return [name for name in self._lists.names if not query.providers or name in query.providers]

    async def _find(self, names: Sequence[str]) -> list[Found]:
        """Begin all calls before the first is answered; wait for them as long as the request may take."""
        now_ns = clock.monotonic_ns()
        calls = {name: self._lists.refresh(name) for name in names if self._lists.fresh(name, now_ns) is None}
        if calls:
            await asyncio.wait(calls.values(), timeout=self._deadline_s)
        return [self._one(name, calls.get(name)) for name in names]

    def _one(self, name: str, call: asyncio.Task[Known] | None) -> Found:
        if call is None:
            return Found(self._lists.last_known(name, clock.monotonic_ns()))
        if call.done() and not call.cancelled() and call.exception() is None:
            return Found(call.result())
        timed_out = not call.done() or _timed_out(call)
        known = self._lists.last_known(name, clock.monotonic_ns())
        return Found(known, _warning(name, known, timed_out=timed_out), timed_out)

    def _rendered(self, query: Query, found: Sequence[Found], keys: Sequence[bytes]) -> Read:
        known = [each.known for each in found if each.known is not None]
        if not known:
            return _nothing(timed_out=any(each.timed_out for each in found))
        warnings = [each.warning for each in found if each.warning is not None]
        offers = [offer for each in known for offer in each.offers]
        ready = entry(list_body(offers, query, min(each.as_of_ms for each in known), warnings))
        if any(each.known and each.warning for each in found):
            return Read(ready, None, f"l2; hit; ttl={-self._overdue_s(known)}", "stale")
        if warnings or not self._store(ready, known, keys):
            return Read(ready, None, "l2; fwd=miss", "miss")
        return Read(ready, None, "l2; fwd=miss; stored", "miss")

    def _store(self, ready: Entry, known: Sequence[Known], keys: Sequence[bytes]) -> bool:
        expires_ns = min(each.taken_ns for each in known) + self._lists.bounds.ttl_ns
        if expires_ns <= clock.monotonic_ns():
            return False
        kept = [self._cache.put(key, ready, expires_ns) for key in keys]
        return all(kept)

    def _overdue_s(self, known: Sequence[Known]) -> int:
        age_ns = clock.monotonic_ns() - min(each.taken_ns for each in known)
        return max(0, (age_ns - self._lists.bounds.ttl_ns) // NS_PER_S)


def _hit(ready: Entry, ttl_s: int) -> Read:
    return Read(ready, None, f"l2; hit; ttl={ttl_s}", "hit")


def _nothing(*, timed_out: bool) -> Read:
    detail = "none of the providers asked has answered, and no earlier list of theirs is known"
    if timed_out:
        problem = Problem("providers-timeout", detail)
    else:
        problem = Problem("providers-unavailable", detail, retry_after_s=PROVIDERS_RETRY_S)
    return Read(None, problem, "l2; fwd=miss", "miss")


def _timed_out(call: asyncio.Task[Known]) -> bool:
    error = None if call.cancelled() else call.exception()
    return isinstance(error, ProviderFailed) and error.kind is FailureKind.TIMEOUT


def _warning(name: str, known: Known | None, *, timed_out: bool) -> AnswerWarning:
    if known is not None:
        return AnswerWarning("stale", name, "it did not answer; this is its last known list", known.as_of_ms)
    if timed_out:
        return AnswerWarning("timeout", name, "it did not answer in time, and no earlier list is known")
    return AnswerWarning("unavailable", name, "its list could not be read, and no earlier one is known")
