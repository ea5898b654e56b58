"""Pages of the list: the first of a snapshot just taken, the others of the snapshot that their cursor names."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.core.answers import Entry, entry
from reference_gateway.core.cursor import Cursor, CursorForged, CursorUnproven, asked_by
from reference_gateway.core.pages import Page, life_of, page_body
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.aside import Joined, aside

if TYPE_CHECKING:
    from reference_gateway.core.offer import Offer
    from reference_gateway.core.pages import Moment, Snapshot
    from reference_gateway.core.query import Query
    from reference_gateway.edge.cursors import Cursors
    from reference_gateway.edge.snapshots import Snapshots

SELECTED_MAX: Final = 100_000
"""Offers over all selections that are remembered for their further pages: places in a tuple, and whatever offers no
list holds any more, about 1.5 kB each."""
UNKEPT_MS: Final = 1000
"""How long bytes are ready whose cursor only this instance can follow: Redis may be back any moment."""


class First(NamedTuple):
    """A first page; where its cursor bounds how long it may be sent, until when (wall clock)."""

    entry: Entry
    until_ms: int | None


class Further(NamedTuple):
    """A page, where its snapshot was known, and how many seconds it will be."""

    entry: Entry
    tier: str
    left_s: int


class Pages:
    """Makes pages; what was selected is selected once for all of them."""

    def __init__(self, snapshots: Snapshots, cursors: Cursors, life_ms: int) -> None:
        self._snapshots = snapshots
        self._cursors = cursors
        self._life_ms = life_ms
        self._selections: OrderedDict[tuple[str, str], tuple[Offer, ...]] = OrderedDict()
        self._selecting: Joined[tuple[Offer, ...]] = Joined()
        self.selected = 0
        """Offers of all selections that are remembered."""

    async def first(self, query: Query, moment: Moment, reader: str = "") -> First:
        """Make the first page over the lists of `moment`; of `reader` alone, where he alone sees one of them."""
        snapshot = await self._snapshots.take(moment)
        page = Page(snapshot, await self._select(snapshot, query), 0, query.limit)
        if page.next_offset is None:
            return First(entry(page_body(page, None)), None)
        now_ms = clock.epoch_ms()
        life = life_of(moment, self._life_ms, now_ms)
        kept = await self._snapshots.keep(snapshot, life.expires_ms)
        if kept:
            await self._cursors.learn()
        body = page_body(page, await self._next(page, asked_by(query, reader), life.expires_ms))
        return First(entry(body), life.renewed_ms if kept else min(life.renewed_ms, now_ms + UNKEPT_MS))

    async def follow(self, query: Query, text: str, reader: str = "") -> Further | Problem:
        """Make the page that a cursor asks for."""
        try:
            cursor = await self._cursors.unseal(text)
        except CursorForged:
            return _FORGED
        except CursorUnproven:
            return _EXPIRED
        if cursor.question not in {asked_by(query), asked_by(query, reader)}:
            return _MISMATCH
        left_ms = cursor.expires_ms - clock.epoch_ms()
        recalled = await self._snapshots.recall(cursor.snapshot_id) if left_ms > 0 else None
        if recalled is None:
            return _EXPIRED
        page = Page(recalled.snapshot, await self._select(recalled.snapshot, query), cursor.offset, query.limit)
        body = page_body(page, await self._next(page, cursor.question, cursor.expires_ms))
        return Further(entry(body), recalled.tier, left_ms // 1000)

    async def _next(self, page: Page, question: bytes, until_ms: int) -> str | None:
        """Seal the cursor of the page after this one, which keeps the snapshot no longer than this one does."""
        if page.next_offset is None:
            return None
        return await self._cursors.seal(Cursor(page.snapshot.id, question, page.next_offset, until_ms))

    async def _select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        """Select once for all pages."""
        key = (snapshot.id, query.question())
        known = self._selections.get(key)
        if known is not None:
            self._selections.move_to_end(key)
            return known
        return await self._selecting.run(key, lambda: self._selected(key, snapshot, query))

    async def _selected(self, key: tuple[str, str], snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        """What fits on one page is not worth remembering."""
        selected = await aside(len(snapshot.offers), lambda: snapshot.select(query))
        if len(selected) > query.limit:
            self._remember(key, selected)
        return selected

    def _remember(self, key: tuple[str, str], selected: tuple[Offer, ...]) -> None:
        self._selections[key] = selected
        self.selected += len(selected)
        while self.selected > SELECTED_MAX and len(self._selections) > 1:
            _, oldest = self._selections.popitem(last=False)
            self.selected -= len(oldest)


_FORGED = Problem("cursor-invalid", "the cursor is not one that this gateway handed out", "cursor")
_MISMATCH = Problem(
    "cursor-mismatch",
    "the cursor was handed out for other filters or another sort, or to another user; send those, or no cursor",
    "cursor",
)
_EXPIRED = Problem(
    "snapshot-expired", "the cursor's snapshot is not kept any more; begin again without cursor", "cursor"
)
