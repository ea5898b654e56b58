"""The tables that were calculated by hand, and a provider that serves their items byte for byte.

Nothing here reads an item: it is put where its document has it, and what comes out is compared with its row.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from reference_gateway.core.offer import Offer, as_json, json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SPEC = Path(__file__).parents[2] / "spec/providers"
NOT_SHOWN = {"nulls", "price_per_gpu_hour_exact", "price_per_hour_exact", "spot_price_exact"}
MONEY = ("price_per_hour", "price_per_gpu_hour", "spot_price", "performance")

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """One adapter's table; items and bodies in its order."""

    adapter: str
    said: Row

    @property
    def items(self) -> list[Row]:
        return [item for item in self.said["item"] if item["document"] not in self.auxiliary]

    @property
    def auxiliary(self) -> list[str]:
        names: list[str] = self.said["documents"].get("auxiliary", [])
        return names

    @property
    def documents(self) -> dict[str, Row]:
        return {name: document for name, document in self.said["documents"].items() if name != "auxiliary"}

    @property
    def has_pages(self) -> bool:
        return any("next" in document for document in self.documents.values())

    def with_auxiliary(self, items: Iterable[Row]) -> list[Row]:
        return [item for item in self.said["item"] if item["document"] in self.auxiliary] + list(items)


def load(adapter: str) -> Table:
    return Table(adapter, tomllib.loads((SPEC / f"{adapter}.toml").read_text(), parse_float=Decimal))


TABLES = [load(path.stem) for path in sorted(SPEC.glob("*.toml")) if path.stem != "lambda"]
"""Lambda's has another form, and a test of its own."""


def calculated(row: Row) -> Row:
    """A row as the gateway's JSON would have it, numbers as decimals."""
    fields = {name: value for name, value in row.items() if name not in NOT_SHOWN}
    return fields | {name: Decimal(fields[name]) for name in MONEY if name in fields} | dict.fromkeys(row["nulls"])


def shown(offer: Offer) -> Row:
    fields: Row = json.loads(json_text(as_json(offer)), parse_float=Decimal)
    assert fields.pop("last_updated") == "2025-11-24T16:00:00.000Z"
    return fields


def exact(row: Row) -> tuple[Fraction, Fraction, Fraction | None]:
    """Price, price per GPU and spot price, before anything is rounded."""
    spot: str | None = row.get("spot_price_exact", row.get("spot_price"))
    price = Fraction(row.get("price_per_hour_exact") or row["price_per_hour"])
    return price, Fraction(row["price_per_gpu_hour_exact"]), None if spot is None else Fraction(spot)


def kept(offer: Offer) -> tuple[Fraction, Fraction, Fraction | None]:
    spot = offer.spot_price
    return Fraction(offer.price_per_hour), offer.price_per_gpu_hour, None if spot is None else Fraction(spot)


def nested(where: str, text: str) -> str:
    """`text` under its JSON path, with nothing beside it."""
    for name in reversed(where.split(".")) if where else ():
        text = f'{{"{name}":{text}}}'
    return text


@dataclass(frozen=True)
class Asked:
    """One request, as far as an answer may hang on it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def question(self) -> Row:
        said: Row = json.loads(self.body) if self.body else {}
        return said

    @property
    def page(self) -> int:
        return int(self.query.get("cursor", self.query.get("page", "1")))


@dataclass
class TableProvider:
    """Answers as a provider that has some of a table's items, and remembers how it was asked."""

    table: Table
    items: Sequence[Row]
    page_items: int = 10**6
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    """Whole bodies, by document, instead of those that the items make."""
    refusals: int = 0
    """How many requests more are told that their token has ended."""
    asked: list[Asked] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        async def answer(request: web.Request) -> web.Response:
            asked = Asked(request.method, request.path, request.query, request.headers, await request.read())
            status, body = self.answer(asked)
            return web.Response(status=status, body=body)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        return app

    def answer(self, asked: Asked) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(asked)
        if asked.path == self.table.said["auth"].get("token_path"):
            return self._token(asked)
        if not self._is_let_in(asked):
            return self._refused("unauthorized")
        return 200, self._body(asked)

    def _refused(self, error: str) -> tuple[int, bytes]:
        refused = self.table.said["error"][error]
        return refused["status"], refused["body"].encode()

    def _token(self, asked: Asked) -> tuple[int, bytes]:
        credential = self.table.said["development_credential"]
        if asked.question != {"grant_type": "client_credentials", **credential}:
            return self._refused("bad_client")
        self.tokens.append(f"token-{len(self.tokens)}")
        return 200, self.table.said["auth"]["token_answer"].replace("<token>", self.tokens[-1]).encode()

    def _is_let_in(self, asked: Asked) -> bool:
        credential = self.table.said["development_credential"]
        if isinstance(credential, dict):
            if self.refusals:
                self.refusals -= 1
                return False
            return asked.headers.get("Authorization") in {f"Bearer {token}" for token in self.tokens}
        form = self.table.said["auth"]["forms"][0]
        return bool(asked.headers.get(self.table.said["auth"]["header"]) == form.replace("<api_key>", credential))

    def _body(self, asked: Asked) -> bytes:
        names = [name for name, document in self.table.documents.items() if _is_meant(document, asked)]
        assert names, f"no document at {asked.method} {asked.path} {dict(asked.query)}"
        whole = next((self.bodies[name] for name in names if name in self.bodies), None)
        return self._page(asked, names).encode("utf-8", "surrogatepass") if whole is None else whole

    def _page(self, asked: Asked, names: list[str]) -> str:
        place = asked.question.get("variables", {}).get("lowestPriceInput")
        parts = {name: self._items(name, place) for name in names}
        begin, end = (asked.page - 1) * self.page_items, asked.page * self.page_items
        texts = {name: self._array(name, items[begin:end]) for name, items in parts.items()}
        more = any(len(items) > end for items in parts.values())
        return _envelope(self.table, texts, asked.page + 1 if more else None)

    def _items(self, document: str, place: Row | None) -> list[Row]:
        items = [item for item in self.table.with_auxiliary(self.items) if item["document"] == document]
        return [item for item in items if "asked" not in item or item["asked"] == place]

    def _array(self, document: str, items: Sequence[Row]) -> str:
        wires = [item["wire"].strip() for item in items]
        inner = self.table.documents[document].get("nested")
        return f"[{','.join(nested(inner, f'[{wire}]') if inner else wire for wire in wires)}]"


def _is_meant(document: Row, asked: Asked) -> bool:
    path, _, query = document["path"].partition("?")
    first = {name: value for name, value in asked.query.items() if name not in ("cursor", "page")}
    return (
        document["method"] == asked.method
        and path == asked.path
        and dict(pair.split("=") for pair in query.split("&") if pair) == first
        and document.get("operation") == asked.question.get("operationName")
    )


def _envelope(table: Table, texts: Mapping[str, str], following: int | None) -> str:
    """The arrays where their documents have them, and beside them the way to the next page."""
    wheres = {name: table.documents[name]["where"] for name in texts}
    if len(texts) > 1:
        members = ",".join(f'"{wheres[name].rpartition(".")[2]}":{text}' for name, text in texts.items())
        return nested(next(iter(wheres.values())).rpartition(".")[0], f"{{{members}}}")
    ((name, text),) = texts.items()
    body = nested(wheres[name], text)
    if following is None:
        return body
    link = {
        "vultr": f"{following}",
        "digitalocean": f"https://api.digitalocean.com/v2/sizes?page={following}&per_page=500",
    }
    return f"{body[:-1]},{nested(table.documents[name]['next'], json.dumps(link[table.adapter]))[1:]}"
