"""Which known offers a query keeps, and in what order: held against all pages of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from gatespec.checkers.answers import SHOWN
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.offers import TIMED_OUT, TIMEOUT, Asked, Listing, listings_of
from gatespec.machines import is_known, names_covered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.hand_tables import Meant, Stock
    from gatespec.history import Example

UNPROCESSABLE = 422
PAGES_MAX = 128
"""Pages that are followed: more than there are offers in a story."""
SORTED_BY = {"price": "price_per_hour", "performance": "performance", "score": "score"}
BOUNDS = {
    "min_price": ("price_per_hour", "least"),
    "max_price": ("price_per_hour", "most"),
    "min_memory_gb": ("gpu_memory_gb", "least"),
    "min_gpu_count": ("gpu_count", "least"),
}
FILTERS = ("gpu_type", "provider", "region", "availability", "compliance_tag", *BOUNDS)
"""Every filter of the list."""


def keeps(name: str, asked: Asked, provider: str, offer: Mapping[str, Any]) -> bool:
    """Whether one filter of a query keeps an offer; a filter that is not given keeps all."""
    if name in BOUNDS:
        return name not in asked.one or _is_within(*BOUNDS[name], Decimal(asked.one[name]), offer)
    wanted = asked.any_of.get(name)
    if wanted is None:
        return True
    if name == "gpu_type":
        return any(offer["gpu_type"] in names_covered(word) for word in wanted)
    if name == "compliance_tag":
        return wanted <= set(offer["compliance_tags"])
    return (provider if name == "provider" else offer[name]) in wanted


def _is_within(name: str, side: str, bound: Decimal, offer: Mapping[str, Any]) -> bool:
    return bool(offer[name] >= bound if side == "least" else offer[name] <= bound)


@dataclass
class Known:
    """Every offer that a query asks about, by its id, with its provider."""

    offers: dict[str, tuple[str, Meant]] = field(default_factory=dict)

    @classmethod
    def of(cls, stocks: Mapping[str, Stock]) -> Known:
        """What these providers list."""
        return cls({i: (name, m[-1]) for name, stock in stocks.items() for i, m in stock.offers_at(name).items()})

    def kept_by(self, asked: Asked, names: tuple[str, ...] = FILTERS) -> set[str]:
        """The ids of those that these filters of a query keep."""
        return {
            one
            for one, (provider, meant) in self.offers.items()
            if all(keeps(name, asked, provider, meant.fields) for name in names)
        }


@dataclass
class Chain:
    """A first page and those that its cursors led to."""

    pages: list[Listing]
    calls: int
    """How many calls had begun when its last page was heard: what was asked anew may be another list."""
    question: str
    """What was asked, in one text."""

    @property
    def asked(self) -> Asked:
        """What was asked."""
        return self.pages[0].asked

    @property
    def place(self) -> int:
        """Of its last page."""
        return self.pages[-1].place

    @property
    def offers(self) -> list[Mapping[str, Any]]:
        """On all pages, in order."""
        return [offer for page in self.pages for offer in page.offers]

    @property
    def ids(self) -> list[str]:
        """As above."""
        return [offer["id"] for offer in self.offers]

    @property
    def is_whole(self) -> bool:
        """Whether its last page is the last there is."""
        last = self.pages[-1]
        return last.exchange.status == SHOWN and not last.fault and last.next_cursor is None

    @property
    def is_late(self) -> bool:
        """Whether something came too late for it: that is the deadline's property."""
        return any(p.exchange.status == TIMED_OUT or TIMEOUT in p.warned.values() for p in self.pages)

    @property
    def is_unknown(self) -> bool:
        """Whether it asks for a GPU that nobody knows."""
        return not all(is_known(word) for word in self.asked.any_of.get("gpu_type", ()))


def chains_of(example: Example) -> list[Chain]:
    """Every list that a story was shown, page by page."""
    chains: list[Chain] = []
    led_to: dict[tuple[str | None, str], Chain] = {}
    for listing in listings_of(example):
        calls = sum(call.began_ms <= listing.exchange.span.heard_ms for call in example.calls)
        question = listing.asked.question
        chain = led_to.pop((listing.asked.cursor, question), None)
        if chain is None:
            chain = Chain([], calls, question)
            chains.append(chain)
        chain.pages.append(listing)
        chain.calls = calls
        if listing.next_cursor:
            led_to[listing.next_cursor, question] = chain
    return chains


def judge_selection(example: Example, since: int, stocks: Mapping[str, Stock]) -> Findings:
    """Hold every list of which a page came from this place on against what the providers of the story list."""
    findings, known, chains = Findings(), Known.of(stocks), chains_of(example)
    for nth, chain in enumerate(chains):
        if chain.place < since or chain.is_late:
            continue
        findings.add(Findings(answers=1, sharp=1))
        earlier = [other for other in chains[:nth] if other.is_whole]
        if fault := next(_faults(chain, known, earlier), ""):
            findings.breaches.append(Breach(fault, chain.place))
    return findings


def _faults(chain: Chain, known: Known, earlier: list[Chain]) -> Iterator[str]:
    due = UNPROCESSABLE if chain.is_unknown else SHOWN
    for page in chain.pages:
        if page.fault:
            yield page.fault
        if page.exchange.status != due:
            why = "for a GPU that no table has" if chain.is_unknown else "for filters that all are known"
            yield f"answered {page.exchange.status} {why}, where {due} was due"
    if not chain.is_unknown:
        kept = known.kept_by(chain.asked)
        yield from _faults_in_pages(chain, known, kept)
        yield from _faults_in_order(chain, earlier)


def _faults_in_pages(chain: Chain, known: Known, kept: set[str]) -> Iterator[str]:
    for page in chain.pages:
        if len(page.offers) > page.asked.limit:
            yield f"a page of {page.asked.limit} shows {len(page.offers)} offers"
        if page.total != len(kept):
            yield f"total is {page.total}, and {len(kept)} known offers satisfy the filters"
    for offer in chain.offers:
        if offer["id"] not in kept:
            yield _why_not(offer, chain.asked, known)
    if twice := next((one for one in chain.ids if chain.ids.count(one) > 1), None):
        yield f"the offer {twice} is shown {chain.ids.count(twice)} times over {len(chain.pages)} pages"
    if not chain.is_whole:
        yield f"after {len(chain.pages)} pages there is still a next one"
    if missing := sorted(kept - set(chain.ids)):
        _, meant = known.offers[missing[0]]
        yield f"{_machine(meant.fields)} satisfies all filters, and is on none of {len(chain.pages)} pages"


def _why_not(offer: Mapping[str, Any], asked: Asked, known: Known) -> str:
    if offer["id"] not in known.offers:
        return f"{_machine(offer)} is shown, which no provider of the story lists"
    provider, meant = known.offers[offer["id"]]
    name = next(name for name in FILTERS if not keeps(name, asked, provider, meant.fields))
    given = asked.one[name] if name in asked.one else " or ".join(sorted(asked.any_of[name]))
    return f"{_machine(meant.fields)} is shown, though {name} is {given}"


def _machine(offer: Mapping[str, Any]) -> str:
    return (
        f"{offer['provider_offer_id']:.60} ({offer['gpu_count']}x {offer['gpu_type']}, {offer['gpu_memory_gb']} GB, "
        f"{offer['price_per_hour']} USD, {offer['region']}, {offer['availability']})"
    )


def _faults_in_order(chain: Chain, earlier: list[Chain]) -> Iterator[str]:
    if sort := chain.asked.one.get("sort"):
        down = sort.startswith("-")
        by = SORTED_BY[sort.removeprefix("-")]
        for one, other in pairwise(chain.offers):
            if (one[by] < other[by]) if down else (one[by] > other[by]):
                yield f"sorted by {sort}, {by} {one[by]} comes before {other[by]}"
    for before in earlier:
        if _is_the_same(before, chain) and before.ids != chain.ids:
            yield "asked again, the same offers came in another order"


def _is_the_same(before: Chain, chain: Chain) -> bool:
    """Whether the same was asked, and no provider was asked anything meanwhile."""
    return before.question == chain.question and before.calls == chain.calls
