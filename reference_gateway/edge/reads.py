"""Reading offers and the catalogue: from what is fresh, from providers, or from what was last known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.adapters.providers import FailureKind, ProviderFailed
from reference_gateway.core.answers import Entry, entry
from reference_gateway.core.catalog import catalog_body
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.pages import Moment, moment_of, offer_body
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.aside import aside
from reference_gateway.edge.l2 import NS_PER_S, L2InMemoryCache
from reference_gateway.edge.routes import CATALOG_KEY, offer_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.query import Query
    from reference_gateway.edge.pages import Pages
    from reference_gateway.edge.provider_lists import Known, ProviderLists
    from reference_gateway.edge.snapshots import Snapshots

PROVIDERS_RETRY_S = 1
NS_PER_MS = 1_000_000
LIST_KEY = b"\0list"
"""Of ready bytes by their query; by its spelling they lie under the query string, in which there is no NUL."""


class Read(NamedTuple):
    """What a read found: an entry, or the problem that there is none; and how the cache answered."""

    entry: Entry | None
    problem: Problem | None
    cache_status: str
    """Empty where no tier was consulted."""
    outcome: str
    """`hit`, `miss` or `stale`, for logs and metrics; empty where no tier was consulted."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one provider for one read."""

    known: Known | None
    warning: AnswerWarning | None = None
    timed_out: bool = False


class OfferReads:
    """Answers queries over the providers' lists."""

    def __init__(  # noqa: PLR0913 - the parts of a read
        self,
        lists: ProviderLists,
        cache: L2InMemoryCache,
        deadline_s: float,
        *,
        snapshots: Snapshots,
        pages: Pages,
        static_ttl_ns: int,
    ) -> None:
        self._lists = lists
        self._cache = cache
        self._deadline_s = deadline_s
        self._snapshots = snapshots
        self._pages = pages
        self._static_ttl_ns = static_ttl_ns

    def ready(self, key: bytes, now_ns: int) -> Read | None:
        """Return ready bytes: of the list by the query string spelled just so, of all else by its key."""
        fresh = self._cache.get(key, now_ns)
        return None if fresh is None else _hit(fresh.entry, fresh.ttl_s)

    async def read(self, query: Query, raw_query: bytes) -> Read:
        """Answer `query`. A provider that there is not has no offers."""
        if query.cursor is not None:
            return await self._follow(query, query.cursor)
        key = LIST_KEY + query.cache_key().encode()
        if (fresh := self._cache.get(key, clock.monotonic_ns())) is not None:
            self._cache.put(raw_query, fresh.entry, fresh.expires_ns)
            return _hit(fresh.entry, fresh.ttl_s)
        return await self._list(query, await self._find(self._asked(query)), (key, raw_query))

    async def read_offer(self, offer_id: str) -> Read:
        """Find one offer in all lists; as fresh as its own provider's."""
        found = await self._find(self._lists.names)
        snapshot = await self._snapshots.take(self._moment(found))
        if (offer := snapshot.offers.get(offer_id)) is None:
            return _absent(found)
        own = [each for each in found if each.known is not None and each.known.provider == offer.provider]
        ready = entry(offer_body(snapshot, offer, _warnings(own)))
        return self._answered(ready, own, (offer_key(offer_id),), self._lists.bounds.ttl_ns)

    async def read_catalog(self) -> Read:
        """List providers, regions and models, from lists that are no older than the static TTL."""
        found = await self._find(self._lists.names, self._static_ttl_ns)
        if all(each.known is None for each in found):
            return _nothing(found)
        moment = self._moment(found)
        size = sum(len(each.offers) for each in moment.lists)
        ready = entry(await aside(size, lambda: catalog_body(self._lists.names, moment)))
        return self._answered(ready, found, (CATALOG_KEY,), self._static_ttl_ns)

    async def _follow(self, query: Query, cursor: str) -> Read:
        further = await self._pages.follow(query, cursor)
        if isinstance(further, Problem):
            return Read(None, further, "", "")
        hit = f"{further.tier}; hit; ttl={further.left_s}; detail=snapshot"
        return Read(further.entry, None, hit if further.tier == "l2" else f"{hit}, l2; fwd=miss; stored", "hit")

    async def _list(self, query: Query, found: Sequence[Found], keys: Sequence[bytes]) -> Read:
        if found and all(each.known is None for each in found):
            return _nothing(found)
        first = await self._pages.first(query, self._moment(found))
        return self._answered(first.entry, found, keys, self._lists.bounds.ttl_ns, first.until_ms)

    def _asked(self, query: Query) -> list[str]:
        return [name for name in self._lists.names if not query.providers or name in query.providers]

    def _moment(self, found: Sequence[Found]) -> Moment:
        known = [each.known for each in found if each.known is not None]
        lists = [self._snapshots.list_of(each.provider, each.as_of_ms, each.offers) for each in known]
        return moment_of(lists, _warnings(found), clock.epoch_ms())

    async def _find(self, names: Sequence[str], ttl_ns: int | None = None) -> list[Found]:
        """Begin all calls before the first is answered; wait for them as long as the request may take.

        A list is fresh for `ttl_ns`: its own TTL, or that of what is derived from it.
        """
        now_ns = clock.monotonic_ns()
        fresh = {name: self._lists.fresh(name, now_ns, ttl_ns) for name in names}
        calls = {name: self._lists.refresh(name) for name in names if fresh[name] is None}
        if calls:
            await asyncio.wait(calls.values(), timeout=self._deadline_s)
        return [self._called(name, calls[name]) if name in calls else Found(fresh[name]) for name in names]

    def _called(self, name: str, call: asyncio.Task[Known]) -> Found:
        if call.done() and not call.cancelled() and call.exception() is None:
            return Found(call.result())
        timed_out = not call.done() or _timed_out(call)
        known = self._lists.last_known(name, clock.monotonic_ns())
        return Found(known, _warning(name, known, timed_out=timed_out), timed_out)

    def _answered(
        self, ready: Entry, found: Sequence[Found], keys: Sequence[bytes], ttl_ns: int, until_ms: int | None = None
    ) -> Read:
        """Say how fresh an answer is, and keep it while it is: at most until `until_ms` (wall clock)."""
        expires_ns = min((each.known.taken_ns for each in found if each.known is not None), default=0) + ttl_ns
        now_ns = clock.monotonic_ns()
        if any(each.known and each.warning for each in found):
            return Read(ready, None, f"l2; hit; ttl={-(max(0, now_ns - expires_ns) // NS_PER_S)}", "stale")
        if until_ms is not None:
            expires_ns = min(expires_ns, now_ns + (until_ms - clock.epoch_ms()) * NS_PER_MS)
        if any(each.warning for each in found) or expires_ns <= now_ns:
            return Read(ready, None, "l2; fwd=miss", "miss")
        kept = [self._cache.put(key, ready, expires_ns) for key in keys]
        return Read(ready, None, "l2; fwd=miss; stored" if all(kept) else "l2; fwd=miss", "miss")


def _hit(ready: Entry, ttl_s: int) -> Read:
    return Read(ready, None, f"l2; hit; ttl={ttl_s}", "hit")


def _nothing(found: Sequence[Found]) -> Read:
    return _unknown(found, "none of the providers asked has answered, and no earlier list of theirs is known")


def _absent(found: Sequence[Found]) -> Read:
    """An offer that no known list has: there is none, unless a provider of which nothing is known has it."""
    unknown = [each for each in found if each.known is None]
    if unknown:
        return _unknown(unknown, "no list that is known has this offer, and not every provider's list is known")
    return Read(None, Problem("not-found", "no provider has an offer of this id"), "l2; fwd=miss", "miss")


def _unknown(found: Sequence[Found], detail: str) -> Read:
    if any(each.timed_out for each in found):
        problem = Problem("providers-timeout", detail)
    else:
        problem = Problem("providers-unavailable", detail, retry_after_s=PROVIDERS_RETRY_S)
    return Read(None, problem, "l2; fwd=miss", "miss")


def _warnings(found: Sequence[Found]) -> list[AnswerWarning]:
    return [each.warning for each in found if each.warning is not None]


def _timed_out(call: asyncio.Task[Known]) -> bool:
    error = None if call.cancelled() else call.exception()
    return isinstance(error, ProviderFailed) and error.kind is FailureKind.TIMEOUT


def _warning(name: str, known: Known | None, *, timed_out: bool) -> AnswerWarning:
    if known is not None:
        return AnswerWarning("stale", name, "it did not answer; this is its last known list", known.as_of_ms)
    if timed_out:
        return AnswerWarning("timeout", name, "it did not answer in time, and no earlier list is known")
    return AnswerWarning("unavailable", name, "its list could not be read, and no earlier one is known")
