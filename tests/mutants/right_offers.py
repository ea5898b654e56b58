"""Right gateways that mean the same in another way: what the contract leaves open, no chapter may convict."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tests.engine.little_offers import LittleOffers, Offer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


class TiesTheOtherWay(LittleOffers):
    """Equal offers come in the order of their names, backwards."""

    lives = ("P13",)

    def tie(self, offer: Offer) -> Any:  # noqa: ANN401 - whatever can be compared
        return [-ord(letter) for letter in f"{offer['provider_offer_id']} {offer['id']}"]


class TiesByNothingSeen(LittleOffers):
    """Equal offers come in an order of the gateway's own."""

    lives = ("P13",)

    def tie(self, offer: Offer) -> Any:  # noqa: ANN401 - whatever can be compared
        return hashlib.sha256(offer["id"].encode()).hexdigest()


class EarlierWins(LittleOffers):
    """Of what one answer of this API says twice, the first counts: neither is newer."""

    lives = ("P12",)

    def merge(self, offers: list[Offer]) -> list[Offer]:
        return super().merge(offers[::-1])[::-1]


class ShowsUnknownGpus(LittleOffers):
    """A GPU that no table names is shown under its provider's name."""

    lives = ("P12", "P13")

    def unknown_gpu(self, described: str) -> Mapping[str, Any]:
        named = described.partition(" (")[0].replace(" ", "-")
        return {"name": named, "family": named, "memory_gb": 1, "fp16_tflops": "0"}


class WritesZeros(LittleOffers):
    """Money always has six decimals, and an exponent."""

    lives = ("P12", "P13")

    def written(self, body: Any) -> bytes:  # noqa: ANN401 - JSON
        kept: dict[str, str] = {}

        def marked(value: Decimal) -> str:
            mark = f"~{len(kept)}~"
            kept[f'"{mark}"'] = f"{value * 10**6:.6f}E-6"
            return mark

        text = LittleOffers.text(body, marked)
        for mark, number in kept.items():
            text = text.replace(mark, number)
        return text.encode()


class ListsBackwards(LittleOffers):
    """Without a sort the dearest come first."""

    lives = ("P12", "P13")

    def kept(self, known: list[Offer], query: dict[str, list[str]]) -> list[Offer]:
        return super().kept(known, {"sort": ["-price"], **query})


class ShortPages(LittleOffers):
    """A page has at most seven offers, however many are asked for."""

    lives = ("P13",)

    def query(self, path: str) -> dict[str, list[str]]:
        found = super().query(path)
        return {**found, "limit": [str(min(7, int(found.get("limit", ["20"])[0])))]}


RIGHT: list[Any] = [
    TiesTheOtherWay,
    TiesByNothingSeen,
    EarlierWins,
    ShowsUnknownGpus,
    WritesZeros,
    ListsBackwards,
    ShortPages,
]
