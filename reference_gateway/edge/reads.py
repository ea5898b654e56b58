"""Reading offers and the catalogue: from what is fresh, from providers, or from what was last known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.core.answers import Entry, entry
from reference_gateway.core.cache.entry import HOUSE
from reference_gateway.core.cache.reading import nothing_known, outcome_of, status_of, warnings_of
from reference_gateway.core.catalog import catalog_body
from reference_gateway.core.pages import Moment, moment_of, offer_body
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.aside import aside
from reference_gateway.edge.routes import CATALOG_KEY, offer_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.core.cache.shown import Shown
    from reference_gateway.core.query import Query
    from reference_gateway.edge.finding import Finding
    from reference_gateway.edge.pages import Pages
    from reference_gateway.edge.ready import Fresh, ReadyAnswers
    from reference_gateway.edge.snapshots import Snapshots

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


class Keep(NamedTuple):
    """Where an answer's bytes may lie ready, and for how long."""

    keys: Sequence[bytes]
    among: Sequence[Shown]
    """All that was looked at for it, whether it is shown or only compared with."""
    ttl_ms: int | None = None
    """None: as long as the lists are fresh."""
    until_ms: int | None = None
    """By the wall clock; None: no other bound."""


class OfferReads:
    """Answers queries over the providers' lists; `user` is the one behind whoever asks, empty where there is none.

    Bytes are made ready of the house's lists only, and sent only to who is known to read all of them so.
    """

    def __init__(
        self,
        finding: Finding,
        ready: ReadyAnswers,
        *,
        snapshots: Snapshots,
        pages: Pages,
        static_ttl_ms: int,
    ) -> None:
        self._finding = finding
        self._ready = ready
        self._snapshots = snapshots
        self._pages = pages
        self._static_ttl_ms = static_ttl_ms

    def ready(self, key: bytes, now_ns: int, user: str = "") -> Read | None:
        """Return ready bytes: of the list by the query string spelled just so, of all else by its key."""
        if (fresh := self._shared(key, now_ns, user)) is None:
            return None
        if now_ns >= fresh.sighting.watch_from_ms * NS_PER_MS:
            self._finding.refresh_early(fresh.sighting)
        return _hit(fresh.entry, fresh.ttl_s)

    async def read(self, query: Query, raw_query: bytes, user: str = "") -> Read:
        """Answer `query`. A provider that there is not has no offers."""
        if query.cursor is not None:
            return await self._follow(query, query.cursor, user)
        key = LIST_KEY + query.cache_key().encode()
        if (fresh := self._shared(key, clock.monotonic_ns(), user)) is not None:
            self._ready.put(raw_query, fresh.entry, fresh.expires_ns, fresh.sighting, fresh.providers)
            return _hit(fresh.entry, fresh.ttl_s)
        found = await self._finding.find(self._asked(query), user)
        return await self._list(query, found, (key, raw_query), user)

    async def read_offer(self, offer_id: str, user: str = "") -> Read:
        """Find one offer in all lists; as fresh as its own provider's."""
        found = await self._finding.find(self._finding.names, user)
        snapshot = await self._snapshots.take(self._moment(found))
        if (offer := snapshot.offers.get(offer_id)) is None:
            return _absent(found)
        own = [each for each in found if each.entry is not None and each.provider == offer.provider]
        made = entry(offer_body(snapshot, offer, warnings_of(own)))
        return self._answered(made, own, Keep((offer_key(offer_id),), found))

    async def read_catalog(self, user: str = "") -> Read:
        """List providers, regions and models, from lists that are no older than the static TTL."""
        found = await self._finding.find(self._finding.names, user, self._static_ttl_ms)
        if (problem := nothing_known(found)) is not None:
            return Read(None, problem, status_of(found), outcome_of(found))
        moment = self._moment(found)
        made = entry(await aside(moment.size, lambda: catalog_body(self._finding.names, moment)))
        return self._answered(made, found, Keep((CATALOG_KEY,), found, self._static_ttl_ms))

    def _shared(self, key: bytes, now_ns: int, user: str) -> Fresh | None:
        """Return ready bytes, if they are for this reader."""
        fresh = self._ready.get(key, now_ns)
        return fresh if fresh is not None and self._finding.shows_houses(user, fresh.providers) else None

    async def _follow(self, query: Query, cursor: str, user: str) -> Read:
        further = await self._pages.follow(query, cursor, user)
        if isinstance(further, Problem):
            return Read(None, further, "", "")
        hit = f"{further.tier}; hit; ttl={further.left_s}; detail=snapshot"
        return Read(further.entry, None, hit if further.tier == "l2" else f"{hit}, l2; fwd=miss; stored", "hit")

    async def _list(self, query: Query, found: Sequence[Shown], keys: Sequence[bytes], user: str) -> Read:
        if (problem := nothing_known(found)) is not None:
            return Read(None, problem, status_of(found), outcome_of(found))
        reader = user if any(each.owner != HOUSE for each in found) else ""
        first = await self._pages.first(query, self._moment(found), reader)
        return self._answered(first.entry, found, Keep(keys, found, until_ms=first.until_ms))

    def _asked(self, query: Query) -> Sequence[str]:
        return [name for name in self._finding.names if not query.providers or name in query.providers]

    def _moment(self, found: Sequence[Shown]) -> Moment:
        known = [(each, each.entry) for each in found if each.entry is not None]
        lists = [self._snapshots.list_of(each.provider, e.as_of_ms, e.offers, each.owner) for each, e in known]
        return moment_of(lists, warnings_of(found), clock.epoch_ms())

    def _answered(self, made: Entry, shown: Sequence[Shown], keep: Keep) -> Read:
        """Say how fresh an answer is, and keep its bytes ready while it is."""
        read = Read(made, None, status_of(shown), outcome_of(shown))
        if not shown or any(each.left_ms <= 0 or each.code for each in shown):
            return read
        if not all(each.is_everybodys for each in keep.among):
            return read
        if (sighting := self._finding.sight(shown, keep.ttl_ms)) is not None:
            expires_ns = self._finding.expires_ms(sighting) * NS_PER_MS
            if keep.until_ms is not None:
                expires_ns = min(expires_ns, clock.monotonic_ns() + (keep.until_ms - clock.epoch_ms()) * NS_PER_MS)
            providers = [each.provider for each in keep.among]
            for key in keep.keys:
                self._ready.put(key, made, expires_ns, sighting, providers)
        return read


def _hit(ready: Entry, ttl_s: int) -> Read:
    return Read(ready, None, f"l2; hit; ttl={ttl_s}", "hit")


def _absent(found: Sequence[Shown]) -> Read:
    """An offer that no known list has: there is none, unless a provider of which nothing is known has it."""
    unknown = [each for each in found if each.entry is None]
    problem = nothing_known(unknown, "no list that is known has this offer, and not every provider's list is known")
    absent = Problem("not-found", "no provider has an offer of this id")
    return Read(None, problem or absent, status_of(found), outcome_of(found))
