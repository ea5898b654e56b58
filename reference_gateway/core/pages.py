"""Snapshots, and the pages of what is selected in one: an offer's text is written once, however many pages show it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.core.cache.entry import HOUSE
from reference_gateway.core.offer import Json, json_text, timestamp
from reference_gateway.core.offers import AnswerWarning, item_text, merge, warnings_json
from reference_gateway.core.query import order
from reference_gateway.core.ranking import scores_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from reference_gateway.core.offer import Offer
    from reference_gateway.core.query import Query

SNAPSHOT_HEX_DIGITS: Final = 16
VERSION_HEX_DIGITS: Final = 16


class ProviderList(NamedTuple):
    """What one provider offered at one moment; `version` names just this list, whoever holds it."""

    provider: str
    version: str
    as_of_ms: int
    offers: tuple[Offer, ...]


class Moment(NamedTuple):
    """What names a snapshot: versions of lists, and what is said of the providers that are not shown as they are."""

    lists: tuple[ProviderList, ...]
    as_of_ms: int
    warnings: tuple[AnswerWarning, ...]

    @property
    def size(self) -> int:
        """How many offers all lists have."""
        return sum(len(each.offers) for each in self.lists)

    @property
    def newest_ms(self) -> int:
        """When the newest of the lists was there; of none, the moment itself."""
        return max((each.as_of_ms for each in self.lists), default=self.as_of_ms)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The offers of some lists, each id once, with their scores among each other."""

    id: str
    moment: Moment
    offers: Mapping[str, Offer]
    scores: Mapping[str, Decimal]

    def select(self, query: Query) -> tuple[Offer, ...]:
        """Return what satisfies `query`, in its order."""
        chosen = [offer for offer in self.offers.values() if query.satisfied_by(offer)]
        return tuple(order(chosen, query.sort, self.scores))


class Page(NamedTuple):
    """A part of what was selected in a snapshot."""

    snapshot: Snapshot
    selected: tuple[Offer, ...]
    offset: int
    limit: int

    @property
    def next_offset(self) -> int | None:
        """Where the page after this one begins; None where this one is the last."""
        end = self.offset + self.limit
        return end if end < len(self.selected) else None


def version_of(as_of_ms: int, offers: Iterable[Offer], owner: str = HOUSE) -> str:
    """Name a list by its moment, what may change in it from one moment to the next, and whose own it is."""
    digest = hashlib.sha256(str(as_of_ms).encode())
    if owner != HOUSE:
        digest.update(f" {owner}".encode())
    for text in sorted(f"\n{o.id} {o.price_per_hour} {o.availability} {o.last_updated_ms}" for o in offers):
        digest.update(text.encode())
    return digest.hexdigest()[:VERSION_HEX_DIGITS]


def moment_of(lists: Iterable[ProviderList], warnings: Iterable[AnswerWarning], now_ms: int) -> Moment:
    """Put together what is known; it is as old as its oldest list, or of now where there is none."""
    ordered = tuple(sorted(lists, key=lambda each: each.provider))
    as_of_ms = min((each.as_of_ms for each in ordered), default=now_ms)
    return Moment(ordered, as_of_ms, tuple(warnings))


def snapshot_id(moment: Moment) -> str:
    """The same on every instance that knows the same of the same moment, however it came by it."""
    digest = hashlib.sha256(str(moment.as_of_ms).encode())
    for each in moment.lists:
        digest.update(f"\n{each.provider} {each.version}".encode())
    for warning in moment.warnings:
        digest.update(f"\n{warning.provider} {warning.code} {warning.as_of_ms}".encode())
    return digest.hexdigest()[:SNAPSHOT_HEX_DIGITS]


def snapshot_of(moment: Moment) -> Snapshot:
    """Merge the offers and rate them."""
    offers = merge(offer for each in moment.lists for offer in each.offers)
    return Snapshot(snapshot_id(moment), moment, {offer.id: offer for offer in offers}, scores_of(offers))


def page_body(page: Page, next_cursor: str | None) -> bytes:
    """The answer's JSON, in UTF-8."""
    snapshot, shown = page.snapshot, page.selected[page.offset : page.offset + page.limit]
    items = ",".join(item_text(offer, snapshot.scores[offer.id]) for offer in shown)
    about: dict[str, Json] = {
        "total": len(page.selected),
        "next_cursor": next_cursor,
        "snapshot_id": snapshot.id,
        "as_of": timestamp(snapshot.moment.as_of_ms),
        "warnings": warnings_json(snapshot.moment.warnings),
    }
    return f'{{"items":[{items}],{json_text(about).removeprefix("{")}'.encode()


def offer_body(snapshot: Snapshot, offer: Offer, warnings: Sequence[AnswerWarning]) -> bytes:
    """One offer's JSON, in UTF-8; `warnings` stand in it only where there are any."""
    text = item_text(offer, snapshot.scores[offer.id])
    if warnings:
        text = f'{text.removesuffix("}")},"warnings":{json_text(warnings_json(warnings))}}}'
    return text.encode()


class Life(NamedTuple):
    """How long a snapshot that is shown now lasts, by the wall clock."""

    expires_ms: int
    """Until when its cursors lead somewhere."""
    renewed_ms: int
    """From when whoever shows the same lists hands out later cursors."""


def life_of(moment: Moment, life_ms: int, now_ms: int) -> Life:
    """Count a snapshot's life from its newest list, so that all instances hand out the same cursor.

    Lists that are still shown after half a life, fresh or stale, are a snapshot made anew: whatever is shown can be
    followed for half of `life_ms` at least, and for all of it at most.
    """
    step_ms = max(1, life_ms // 2)
    made_ms = moment.newest_ms + max(0, now_ms - moment.newest_ms) // step_ms * step_ms
    return Life(made_ms + life_ms, made_ms + step_ms)
