"""Lists of offers as they were answered: every field as it stands, numbers as decimals, held against the schema."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema_rs import Draft202012Validator, Registry

from gatespec.checkers.answers import READ_PATH, SHOWN
from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatespec.history import Example
    from gatespec.ports import Exchange, Request

PAGE_MAX, PAGE_DEFAULT = 100, 20
TIMED_OUT, TIMEOUT = 504, "timeout"
"""Of an answer, and of one provider in it: what came too late."""
REPEATABLE = frozenset({"gpu_type", "provider", "region", "availability", "compliance_tag"})
ALIASES = {"gpu": "gpu_type", "per_page": "limit"}
NOT_ASKED = frozenset({"limit", "cursor"})
"""Parameters that say which part of the list is wanted, and not which list."""
BODIES_MAX = 512
"""Answers that are remembered as read: more than a story has."""
BASE = "https://gatespec.invalid/schemas/"
"""Where schemas find each other; nobody ever asks there."""


@dataclass(frozen=True)
class Asked:
    """What a request for a list asks for, by the contract's names."""

    any_of: Mapping[str, frozenset[str]]
    """The values of each filter that can be repeated."""
    one: Mapping[str, str]
    """Everything else."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Those that it names."""
        return tuple(sorted(self.any_of.get("provider", ())))

    @property
    def limit(self) -> int:
        """How many offers a page has at most."""
        return int(self.one.get("limit", PAGE_DEFAULT))

    @property
    def cursor(self) -> str | None:
        """Which page; None: the first."""
        return self.one.get("cursor")

    @property
    def question(self) -> str:
        """What all pages of one list have in common, in whatever order it was asked."""
        one = {name: text for name, text in self.one.items() if name not in NOT_ASKED}
        return json.dumps([{name: sorted(texts) for name, texts in self.any_of.items()}, one], sort_keys=True)


@dataclass(frozen=True)
class Listing:
    """A page that was shown, by its place in the example."""

    place: int
    asked: Asked
    exchange: Exchange
    offers: tuple[Mapping[str, Any], ...] = ()
    total: int = 0
    next_cursor: str | None = None
    snapshot: str = ""
    warned: Mapping[str, str] = field(default_factory=dict)
    """The code of the warning about each provider that has one."""
    fault: str = ""
    """Why the answer could not be read; empty where it could."""

    def of(self, provider: str) -> list[Mapping[str, Any]]:
        """The offers of one provider."""
        return [offer for offer in self.offers if offer["provider"] == provider]


def asked_by(request: Request) -> Asked | None:
    """What a request asks for; None where it reads no list."""
    target = urlsplit(request.path)
    if request.method != "GET" or target.path != READ_PATH:
        return None
    any_of: dict[str, set[str]] = {}
    one: dict[str, str] = {}
    for spelt, text in parse_qsl(target.query, keep_blank_values=True):
        name = ALIASES.get(spelt, spelt)
        if name in REPEATABLE:
            any_of.setdefault(name, set()).add(text)
        else:
            one[name] = text
    return Asked({name: frozenset(texts) for name, texts in any_of.items()}, one)


def listings_of(example: Example, since: int = 0) -> Iterator[Listing]:
    """Every answer to a read of a list from this place on; those that are none have a fault or another status."""
    for place, exchange in enumerate(example.exchanges[since:], since):
        asked = asked_by(exchange.request)
        if asked is not None and exchange.status is not None:
            yield _listing(place, asked, exchange)


def _listing(place: int, asked: Asked, exchange: Exchange) -> Listing:
    if exchange.status != SHOWN:
        return Listing(place, asked, exchange)
    told, fault = _read(exchange.body)
    if fault:
        return Listing(place, asked, exchange, fault=fault)
    warned = {each["provider"]: each["code"] for each in told["warnings"]}
    offers, cursor = tuple(told["items"]), told["next_cursor"]
    return Listing(place, asked, exchange, offers, int(told["total"]), cursor, told["snapshot_id"], warned)


@lru_cache(maxsize=BODIES_MAX)
def _read(body: bytes) -> tuple[Any, str]:
    """What a body says, and what is wrong with it; a check and a witness read the same one."""
    try:
        fault = fault_in(json.loads(body, parse_constant=_no_number))
        return json.loads(body, parse_float=Decimal), fault
    except ValueError as error:
        return None, f"the body is no JSON: {error}"


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def fault_in(told: Any) -> str:  # noqa: ANN401 - JSON that was not checked yet
    """The first thing in a list that the schema does not permit, in one sentence; empty where there is none."""
    error = next(iter(_validator().iter_errors(told)), None)
    if error is None:
        return ""
    where = "/".join(str(part) for part in error.instance_path) or "the answer"
    return f"{where} is not as the schema has it: {error.message:.160}"


@cache
def _validator() -> Draft202012Validator:
    named = ("offer-list.json", "offer.json", "warning.json")
    read = {name: json.loads((spec_dir() / "schemas" / name).read_text(encoding="utf-8")) for name in named}
    registry = Registry([(BASE + name, schema) for name, schema in read.items()])
    return Draft202012Validator(read["offer-list.json"], registry=registry, base_uri=BASE)
