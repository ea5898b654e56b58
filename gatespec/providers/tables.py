"""The hand-calculated tables of spec/providers, as the simulators read them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.providers.dialect import Asking


@dataclass(frozen=True)
class Document:
    """One of the requests that a whole list takes."""

    name: str
    method: str
    path: str
    query: Mapping[str, str]
    """What a request for it has in its query, beside the page."""
    where: str
    """The field of the body that holds the items; empty where the body is the array."""
    auxiliary: bool
    """Whether its items are no offers themselves."""
    paged: bool
    """Whether it may take several requests."""

    def is_asked(self, asking: Asking) -> bool:
        """Whether a request is for a page of it."""
        told = all(asking.query.get(name) == value for name, value in self.query.items())
        return asking.method == self.method and asking.path == self.path and told


@cache
def table(adapter: str) -> Mapping[str, Any]:
    """The table of an adapter; raise `FileNotFoundError` where there is none."""
    return tomllib.loads((spec_dir() / "providers" / f"{adapter}.toml").read_text(encoding="utf-8"))


@cache
def documents(adapter: str) -> tuple[Document, ...]:
    """The documents of a whole list, in order; of two with one path the one that says more comes to its turn first."""
    told = dict(table(adapter)["documents"])
    auxiliary = told.pop("auxiliary", [])
    return tuple(_document(name, about, auxiliary=name in auxiliary) for name, about in told.items())


def stock_key(item: Mapping[str, Any]) -> str:
    """The key under which a simulator is stocked with an item of a table: its document, and what was asked for it."""
    asked = item.get("asked")
    if asked is None:
        return f"{item['document']}/{item['key']}"
    cloud = "secure" if asked["secureCloud"] else "community"
    place = asked["dataCenterId"] if asked["secureCloud"] else asked["countryCode"]
    return f"{item['document']}/{cloud}/{place}/{asked['gpuCount']}/{item['key']}"


def _document(name: str, about: Mapping[str, str], *, auxiliary: bool) -> Document:
    target = urlsplit(about["path"])
    query = dict(parse_qsl(target.query))
    return Document(name, about["method"], target.path, query, about["where"], auxiliary, "next" in about)


@cache
def auxiliary_items(adapter: str, document: str) -> Mapping[str, str]:
    """The table's own items of a document, by key: JSON text as it is."""
    return {item["key"]: item["wire"].strip() for item in table(adapter)["item"] if item.get("document") == document}


@cache
def regions_of(adapter: str) -> tuple[str, ...]:
    """Every region that an adapter's providers name, in the spec's order."""
    rows = tomllib.loads((spec_dir() / "regions.toml").read_text(encoding="utf-8"))["provider"]
    return tuple(next(row["regions"] for row in rows if row["adapter"] == adapter))
