"""The catalogue: derived from the providers' lists, and fresh for the static TTL, counted from the oldest of them.

It has no price that would name a call, so what it was derived from is not told: only what no call at all can excuse
is a breach.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gatespec.checkers.answers import SHOWN, STALE
from gatespec.checkers.calls import Times, ledgers
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.tiers import NoCacheStatus, tiers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.checkers.calls import Ledger
    from gatespec.history import Example
    from gatespec.ports import Exchange, Request, Span

CATALOGUE_PATH = "/api/v2/providers/catalog"


@dataclass(frozen=True)
class Catalogue:
    """One answer, by its place in the example."""

    place: int
    span: Span
    stale: frozenset[str]
    """The providers of which it says that they are not as they are now."""
    unknown: frozenset[str]
    """The providers of which it says that it shows nothing, as no list of theirs is known."""
    is_hit: bool
    """Whether it says that it was stored, and is still fresh, or was made just now; else it is marked as a whole."""
    fault: str = ""

    def is_fresh(self, provider: str) -> bool:
        """Whether it shows what is known of this provider as it is now."""
        return self.is_hit and provider not in self.stale | self.unknown


def asks_for_it(request: Request) -> bool:
    """Whether a request reads the catalogue."""
    return request.method == "GET" and urlsplit(request.path).path == CATALOGUE_PATH


def catalogues_of(example: Example, since: int = 0) -> Iterator[Catalogue]:
    """The catalogues that a story was shown from this place on."""
    for place, exchange in enumerate(example.exchanges[since:], since):
        if exchange.status == SHOWN and asks_for_it(exchange.request):
            yield _read(place, exchange)


def _read(place: int, exchange: Exchange) -> Catalogue:
    try:
        told: Any = json.loads(exchange.body)
        warned = [(each["provider"], each["code"] == STALE) for each in told.get("warnings", ())]
        stale = frozenset(provider for provider, is_stale in warned if is_stale)
        unknown = frozenset(provider for provider, is_stale in warned if not is_stale)
        fresh = all(tier.is_fresh_hit or not tier.hit for tier in tiers_of(exchange).values())
    except NoCacheStatus as missing:
        return Catalogue(place, exchange.span, frozenset(), frozenset(), is_hit=True, fault=str(missing))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        fault = f"the catalogue is no object with warnings: {error!r:.80}"
        return Catalogue(place, exchange.span, frozenset(), frozenset(), is_hit=True, fault=fault)
    return Catalogue(place, exchange.span, stale, unknown, is_hit=fresh)


def judge_catalogue(example: Example, since: int) -> Findings:
    """Hold every catalogue against the ledgers of the providers that the story read."""
    findings, times, by_name = Findings(), Times.of(example.context.settings), ledgers(example)
    for shown in catalogues_of(example, since):
        faults = [shown.fault] if shown.fault else []
        for name, ledger in by_name.items():
            fault, sharp = _judge(shown, name, ledger, times)
            findings.add(Findings(answers=1, sharp=int(sharp)))
            faults += [fault] if fault else []
        findings.breaches += [Breach(fault, shown.place) for fault in faults]
    return findings


def _judge(shown: Catalogue, name: str, ledger: Ledger, times: Times) -> tuple[str, bool]:
    """What is wrong with what it says of one provider, and whether only one thing could have been right."""
    may_be_fresh, may_be_stale = ages(shown, ledger, times)
    if shown.is_fresh(name) and not may_be_fresh:
        wrong = (
            f"the catalogue is fresh, though every call of {name} is older than the static TTL of {times.static_ms} ms"
        )
    elif name in shown.stale and not may_be_stale:
        wrong = (
            f"the catalogue calls {name} stale, though its list is younger than the static TTL of {times.static_ms} ms"
        )
    else:
        wrong = ""
    return wrong, may_be_fresh != may_be_stale


def ages(shown: Catalogue, ledger: Ledger, times: Times) -> tuple[bool, bool]:
    """Whether what is known of a provider may be called fresh then, and whether it may be called stale."""
    sent_ms, heard_ms = shown.span.sent_ms, shown.span.heard_ms
    perhaps = [known for known in ledger.known if known.perhaps_by(heard_ms)]
    surely = ledger.surely_known(sent_ms)
    young = any(
        known.ended_ms + known.slack_ms >= sent_ms or known.perhaps_younger(times.static_ms, sent_ms)
        for known in perhaps
    )
    return young or not surely, not (surely and surely[-1].surely_younger(times.static_ms, heard_ms))
