"""Clients of the simulated APIs that know the tables and no line of the simulators."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tests.providers.recount import TABLES
from tests.providers.simulated_wire import Heard, Provider, everything, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW = ["digitalocean", "hyperstack", "runpod", "shadeform", "vastai", "verda", "vultr"]
"""Those whose tables name documents; Lambda's tests are older than these."""
PAGES_MAX = 1000
_AS_KNOWN: Mapping[str, str] = {}


@dataclass
class Api:
    """One provider, asked as its table says."""

    provider: Provider
    adapter: str
    token: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def table(self) -> Mapping[str, Any]:
        return TABLES[self.adapter]

    @property
    def documents(self) -> dict[str, Any]:
        return {name: said for name, said in self.table["documents"].items() if name != "auxiliary"}

    def key(self) -> str:
        """What is presented: a key, or a token that is bought first."""
        if self.adapter == "verda" and not self.token:
            self.token = self.buy()["access_token"]
        return self.token or self.table["development_credential"]

    def auth(self) -> dict[str, str]:
        form = self.table["auth"]["forms"][0]
        return {self.table["auth"]["header"]: re.sub("<.*>", self.key(), form)}

    def ask(
        self, method: str, path: str, body: str = "", fields: Mapping[str, str] | None = None, *, at: str = ""
    ) -> Heard:
        """One request, with the credential unless other fields are named."""
        sent = body.encode()
        named = {"Host": "simulated", "Connection": "close", "Content-Length": str(len(sent))}
        named |= self.auth() if fields is None else fields
        lines = [f"{method} /{self.name}{at}{path} HTTP/1.1", *(f"{name}: {said}" for name, said in named.items())]
        with self.provider.connect() as held:
            held.sendall("\r\n".join([*lines, "", ""]).encode() + sent)
            return parsed(everything(held))

    def probe(self, fields: Mapping[str, str] | None = None) -> Heard:
        return self.ask("GET", self.table["probe_path"], fields=fields)

    def first(self, fields: Mapping[str, str] | None = None) -> Heard:
        """The request that begins a list call."""
        name, said = next(iter(self.documents.items()))
        return self.ask(said["method"], said["path"], self.body(name), fields)

    def body(self, document: str, variables: object = None) -> str:
        """What is asked in the body of a request, where the table says it."""
        if self.adapter == "vastai":
            return str(self.table["request"][document])
        if self.adapter != "runpod":
            return ""
        operation = self.documents[document]["operation"]
        asked = {"operationName": operation, "query": self.table["request"][operation], "variables": variables}
        return json.dumps(asked)

    def pages(self, document: str) -> list[Heard]:
        """Every page of a document."""
        said = self.documents[document]
        found = [self.ask(said["method"], said["path"], self.body(document))]
        while (path := self.next_path(said, json.loads(found[-1].body))) and len(found) < PAGES_MAX:
            found.append(self.ask(said["method"], path))
        return found

    def next_path(self, said: Mapping[str, str], body: dict[str, Any]) -> str:
        """What the page after a page is asked by; empty after the last."""
        if self.adapter == "vultr" and (cursor := body["meta"]["links"]["next"]):
            return f"{said['path']}&cursor={quote(cursor, safe='')}"
        if self.adapter == "digitalocean" and "pages" in body["links"]:
            target = urlsplit(body["links"]["pages"]["next"])
            return f"{target.path}?{target.query}"
        return ""

    def question(self, asked: Mapping[str, Any]) -> Heard:
        """RunPod's question for a place and a count."""
        return self.ask("POST", self.table["list_path"], self.body("prices", {"lowestPriceInput": asked}))

    def buy(self, changes: Mapping[str, str] = _AS_KNOWN) -> dict[str, Any]:
        """A token of Verda's."""
        heard = self.ask_for_token(changes)
        assert heard.status == 200, heard
        sold: dict[str, Any] = json.loads(heard.body)
        return sold

    def ask_for_token(self, changes: Mapping[str, str] = _AS_KNOWN) -> Heard:
        known = self.table["development_credential"]
        body = json.dumps({"grant_type": "client_credentials", **known, **changes})
        return self.ask("POST", self.table["auth"]["token_path"], body, {})

    def wires(self, document: str) -> list[str]:
        """The table's items of a document, as they stand on the wire."""
        return [item["wire"].strip() for item in self.table["item"] if item["document"] == document]

    def stock(self) -> dict[str, str]:
        """The whole table, by the keys that a script takes; RunPod's prices by the question that they answer."""
        return {_key(item): item["wire"].strip() for item in self.table["item"]}


def _key(item: Mapping[str, Any]) -> str:
    if "asked" not in item:
        return f"{item['document']}/{item['key']}"
    asked = item["asked"]
    cloud, place = ("secure", "dataCenterId") if asked["secureCloud"] else ("community", "countryCode")
    return f"{item['document']}/{cloud}/{asked[place]}/{asked['gpuCount']}/{item['key']}"
