"""The answer of the list of offers, made once per snapshot and query and served as bytes from then on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from reference_gateway.core.offer import Json, as_json, json_text, timestamp
from reference_gateway.core.query import order
from reference_gateway.core.ranking import scores_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from reference_gateway.core.offer import Offer
    from reference_gateway.core.query import Query

SNAPSHOT_HEX_DIGITS: Final = 16

OFFER_TEXTS_MAX: Final = 4096
"""Offers whose JSON is remembered, about 2 kB each with the offer itself."""


@dataclass(frozen=True, slots=True)
class AnswerWarning:
    """What an answer says of a provider that it could not show as it is now; `code` is one of the contract's section 7.

    `as_of_ms` is the moment of what is shown instead, if anything is.
    """

    code: str
    provider: str
    detail: str
    as_of_ms: int | None = None


def merge(offers: Iterable[Offer]) -> list[Offer]:
    """Each id once: the newest wins, of equally new ones the later."""
    newest: dict[str, Offer] = {}
    for offer in offers:
        known = newest.get(offer.id)
        if known is None or known.last_updated_ms <= offer.last_updated_ms:
            newest[offer.id] = offer
    return list(newest.values())


def list_body(offers: Iterable[Offer], query: Query, as_of_ms: int, warnings: Sequence[AnswerWarning] = ()) -> bytes:
    """What `query` selects among all `offers` of a snapshot, taken at `as_of_ms`: the list's JSON, in UTF-8."""
    snapshot = merge(offers)
    scores = scores_of(snapshot)
    selected = order([offer for offer in snapshot if query.satisfied_by(offer)], query.sort, scores)
    items = ",".join(_item(offer, scores[offer.id]) for offer in selected)
    about: dict[str, Json] = {
        "total": len(selected),
        "next_cursor": None,
        "snapshot_id": snapshot_id(snapshot, as_of_ms),
        "as_of": timestamp(as_of_ms),
        "warnings": [_warning(warning) for warning in warnings],
    }
    return f'{{"items":[{items}],{json_text(about).removeprefix("{")}'.encode()


def snapshot_id(offers: Iterable[Offer], as_of_ms: int) -> str:
    """The same on every instance that holds the same offers of the same moment, however it came by them."""
    digest = hashlib.sha256(str(as_of_ms).encode())
    for text in sorted(f"\n{offer.id} {offer.price_per_hour} {offer.last_updated_ms}" for offer in offers):
        digest.update(text.encode())
    return digest.hexdigest()[:SNAPSHOT_HEX_DIGITS]


def _item(offer: Offer, score: Decimal) -> str:
    return f'{_offer_text(offer).removesuffix("}")},"score":{json_text(score)}}}'


@lru_cache(maxsize=OFFER_TEXTS_MAX)
def _offer_text(offer: Offer) -> str:
    """One offer stands in the answers to many queries: written once, it makes the next answer four times as fast."""
    return json_text(as_json(offer))


def _warning(warning: AnswerWarning) -> Json:
    as_of = None if warning.as_of_ms is None else timestamp(warning.as_of_ms)
    return {"code": warning.code, "provider": warning.provider, "detail": warning.detail, "as_of": as_of}
