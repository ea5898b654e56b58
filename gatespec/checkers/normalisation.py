"""What each provider's list means, field by field, held against what an answer shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING, Any

from gatespec.checkers.answers import LEFT_OUT, NOTHING_KNOWN, SHOWN
from gatespec.checkers.calls import OK, allowance_ms, ended_ms
from gatespec.checkers.counted import countings, surely_and_perhaps
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.offers import PAGE_MAX, TIMED_OUT, TIMEOUT, listings_of
from gatespec.providers.prices import gpu_models, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.checkers.counted import Counting
    from gatespec.checkers.offers import Listing
    from gatespec.hand_tables import Meant, Stock
    from gatespec.history import Example


def judge_normalisation(example: Example, since: int, stocks: Mapping[str, Stock]) -> Findings:
    """Hold every list, and every look at the metrics, against what the providers of the story list."""
    findings = Findings()
    for listing in listings_of(example, since):
        asked = [
            Asking(listing, name, stocks[name], _is_excused(example, listing, name)) for name in listing.asked.providers
        ]
        due = [meant for one in asked if not one.may_be_left_out for meant in one.due.values()]
        findings.answers += len(due)
        findings.sharp += sum(len(meant) == 1 for meant in due)
        if fault := next(_faults(listing, asked), ""):
            findings.breaches.append(Breach(fault, listing.place))
    findings.add(_judge_counts(example, since, stocks))
    return findings


def _is_excused(example: Example, listing: Listing, name: str) -> bool:
    """Whether it may be left out: nothing was surely known of it before, and since then a call was no success.

    That an answer came too late is the deadline's property, and says nothing of what items mean.
    """
    if listing.exchange.status == TIMED_OUT or listing.warned.get(name) == TIMEOUT:
        return True
    calls = [call for call in example.calls if call.provider == name]
    slack_ms, sent_ms = allowance_ms(example), listing.exchange.span.sent_ms
    known = any(call.outcome == OK and ended_ms(call) + slack_ms < sent_ms for call in calls)
    return not known and (not calls or any(call.outcome != OK for call in calls))


@dataclass(frozen=True)
class Asking:
    """One provider in one answer."""

    listing: Listing
    name: str
    stock: Stock
    may_be_left_out: bool

    @property
    def due(self) -> Mapping[str, list[Meant]]:
        """What may be shown of it, by id."""
        return self.stock.offers_at(self.name)

    @property
    def is_left_out(self) -> bool:
        """Whether nothing is shown of it, and it may be so."""
        told = self.listing.warned.get(self.name) in LEFT_OUT
        return told and self.may_be_left_out and not self.listing.of(self.name)

    def faults(self) -> Iterator[str]:
        """What is wrong with what is shown of it."""
        due, shown = self.due, self.listing.of(self.name)
        for offer in shown:
            if offer["id"] not in due:
                yield from self._fault_in_stranger(offer)
            else:
                yield from _differences(self.name, offer, due[offer["id"]])
        missing = sorted(due.keys() - {offer["id"] for offer in shown})
        if missing and self.listing.total <= PAGE_MAX:
            meant = due[missing[0]][0]
            yield f"{self.name} lists {' in '.join(meant.identity[:2])} ({meant.identity[2]}), which is not shown"

    def _fault_in_stranger(self, offer: Mapping[str, Any]) -> Iterator[str]:
        """What the table leaves out for its GPU alone may be shown under a name that the GPU table does not have."""
        if not self.stock.unknown_gpus or normal(offer["gpu_type"]) in gpu_models():
            machine = f"{offer['provider_offer_id']!r:.60} in {offer['provider_region']!r:.40}"
            yield f"{self.name} lists nothing that means the offer {offer['id']} ({machine})"


def _faults(listing: Listing, asked: list[Asking]) -> Iterator[str]:
    if listing.fault:
        yield listing.fault
    elif listing.exchange.status in NOTHING_KNOWN and all(one.may_be_left_out for one in asked):
        return
    elif listing.exchange.status != SHOWN:
        yield f"answered {listing.exchange.status} where offers of {', '.join(listing.asked.providers)} were due"
    else:
        yield from _faults_in_list(listing, asked)


def _faults_in_list(listing: Listing, asked: list[Asking]) -> Iterator[str]:
    ids = [offer["id"] for offer in listing.offers]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        yield f"the id {twice[0]} appears {ids.count(twice[0])} times in one answer"
    if foreign := sorted({offer["provider"] for offer in listing.offers} - set(listing.asked.providers)):
        yield f"the answer shows {foreign[0]!r:.60}, which was not asked"
    for one in asked:
        if not one.is_left_out:
            yield from one.faults()
    if listing.total <= PAGE_MAX and listing.total != len(ids):
        yield f"total is {listing.total}, and {len(ids)} offers are shown of a page of {PAGE_MAX}"


def _differences(name: str, offer: Mapping[str, Any], due: list[Meant]) -> Iterator[str]:
    """In which field an offer differs from all that it may be, told by the last of them, which is the newest."""
    if any(all(_same(offer[field], value) for field, value in meant.fields.items()) for meant in due):
        return
    newest = due[-1].fields
    field = next(field for field, value in newest.items() if not _same(offer[field], value))
    what = f"{name}: {offer['provider_offer_id']} in {offer['provider_region']}"
    yield f"{what} is shown with {field} {_told(offer[field])} where {_told(newest[field])} was due"


def _same(shown: Any, due: Any) -> bool:  # noqa: ANN401 - JSON
    """As JSON values: `2.50` and `2.5` are one number, `true` is none, and the order of tags says nothing."""
    if isinstance(due, tuple):
        return sorted(shown) == sorted(due)
    if isinstance(due, Decimal):
        return isinstance(shown, int | Decimal) and not isinstance(shown, bool) and shown == due
    return type(shown) is type(due) and bool(shown == due)


def _told(value: Any) -> str:  # noqa: ANN401 - JSON
    return str(value) if isinstance(value, Decimal) else repr(value)[:80]


def _judge_counts(example: Example, since: int, stocks: Mapping[str, Stock]) -> Findings:
    findings = Findings()
    for counting in countings(example, since):
        for name, stock in stocks.items():
            if (counted := counting.of(name)) is None:
                continue
            least, most = _counts_due(example, counting, name, stock)
            findings.add(Findings(answers=1, sharp=int(least == most)))
            if not least <= counted <= most:
                due = str(most) if least == most else f"at least {least}" if most == inf else f"{least} to {most}"
                what = f"{counted} items of {name} are counted as left out, where {due} were due after its calls"
                findings.breaches.append(Breach(what, counting.place))
    return findings


def _counts_due(example: Example, counting: Counting, name: str, stock: Stock) -> tuple[int, float]:
    """The least and the most that may be counted of a provider.

    What a polled one listed before it was stocked is not known; and its sweep surely is over when the next one begins.
    """
    stocked = max(
        (done.done_ms for done in example.disturbances if (done.whom, done.how) == (name, "stocked")), default=-1
    )
    calls = [call for call in example.calls if call.provider == name]
    after = [call for call in calls if call.began_ms > stocked]
    surely, perhaps = surely_and_perhaps(counting, after, allowance_ms(example))
    through = max(0, surely - stock.table.polled)
    least = through * (stock.left_out - stock.unknown_gpus)
    return least, inf if stock.table.polled else (perhaps + len(calls) - len(after)) * stock.left_out
