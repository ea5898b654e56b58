"""Pages in process: the snapshots that cursors lead to, in the one memory that all instances of a driver share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reference_gateway.core.cursor import KEY_BYTES, Cursor, CursorForged, CursorUnproven, Keys, asked_by, seal, unseal
from reference_gateway.core.pages import Page, life_of, page_body, snapshot_of
from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from reference_gateway.core.offer import Offer
    from reference_gateway.core.pages import Moment, Snapshot
    from reference_gateway.core.query import Query

_KEYS: Final = Keys((bytes(KEY_BYTES),), bytes(KEY_BYTES))
"""No secret: whoever drives these instances may forge what he likes."""


class PageBook:
    """Writes first pages and those that follow; a snapshot is kept while its cursors live."""

    def __init__(self, life_ms: int) -> None:
        self._life_ms = life_ms
        self._kept: dict[str, Snapshot] = {}

    def first(self, query: Query, moment: Moment, now_ms: int, reader: str = "") -> bytes:
        """Write the first page over the lists of `moment`; of `reader` alone, where he alone sees one of them."""
        snapshot = snapshot_of(moment)
        page = Page(snapshot, self.select(snapshot, query), 0, query.limit)
        if page.next_offset is not None:
            self._kept[snapshot.id] = snapshot
        return self._body(page, asked_by(query, reader), life_of(moment, self._life_ms, now_ms).expires_ms)

    def follow(self, query: Query, text: str, now_ms: int, reader: str = "") -> bytes | Problem:
        """Write the page that a cursor asks for."""
        try:
            cursor = unseal(text, _KEYS)
        except (CursorForged, CursorUnproven):
            return Problem("cursor-invalid", "the cursor is not one that this gateway handed out", "cursor")
        if cursor.question not in {asked_by(query), asked_by(query, reader)}:
            return Problem("cursor-mismatch", "the cursor was handed out for other filters or another sort", "cursor")
        if now_ms >= cursor.expires_ms or cursor.snapshot_id not in self._kept:
            return Problem("snapshot-expired", "the cursor's snapshot is not kept any more", "cursor")
        snapshot = self._kept[cursor.snapshot_id]
        page = Page(snapshot, self.select(snapshot, query), cursor.offset, query.limit)
        return self._body(page, cursor.question, cursor.expires_ms)

    def select(self, snapshot: Snapshot, query: Query) -> tuple[Offer, ...]:
        """Select what all pages show together."""
        return snapshot.select(query)

    def _body(self, page: Page, question: bytes, until_ms: int) -> bytes:
        if page.next_offset is None:
            return page_body(page, None)
        cursor = Cursor(page.snapshot.id, question, page.next_offset, until_ms)
        return page_body(page, seal(cursor, _KEYS))
