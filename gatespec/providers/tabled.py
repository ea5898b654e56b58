"""A dialect whose paths, words and credentials are its table's: what each API adds is how items and pages look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gatespec.providers.tables import Document, auxiliary_items, documents, regions_of, table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from gatespec.providers.catalogue import Machine
    from gatespec.providers.dialect import Answer, Asking
    from gatespec.providers.ledger import Kind
    from gatespec.providers.script import Script
    from gatespec.providers.simulator import Provider

OK = 200
PAGE_ITEMS_MAX = 500
"""Of one page, unless a script says less."""

Keyed = tuple[str, str]
"""An item's key in its document, and its JSON text."""


@dataclass(frozen=True)
class Page:
    """One page of a document."""

    items: Sequence[Keyed]
    number: int = 0
    """Which it is, the first being 0."""
    pages: int = 1
    """How many there are."""
    total: int = 0
    """Items of all pages."""

    @property
    def array(self) -> str:
        """Its items as a JSON array, each byte for byte."""
        return f"[{','.join(text for _, text in self.items)}]"


class TabledDialect:
    """One provider's API; a subclass names its adapter and renders machines."""

    adapter: ClassVar[str]
    series: ClassVar[str]
    """Whose real prices it asks unless told: provider and kind of the price data."""
    sells_tokens: ClassVar[bool] = False
    one_price_per_gpu: ClassVar[bool] = False

    # What a subclass says.

    def render(
        self, machine: Machine, regions: Sequence[str], sold_out: Sequence[str]
    ) -> Iterable[tuple[str, str, str]]:
        """A machine as document, key and JSON text of each item that it takes.

        It is for rent in `regions` and not just now in `sold_out`: the API's own names.
        """
        raise NotImplementedError

    def probe_body(self) -> bytes:
        """What a probe reads."""
        raise NotImplementedError

    def page(self, document: Document, page: Page) -> bytes:
        """The body of one page."""
        return (f'{{"{document.where}":{page.array}}}' if document.where else page.array).encode()

    def page_number(self, document: Document, asking: Asking) -> int:
        """Which page a request is for; 0 where it says none. Raise `ValueError` for what no answer has named."""
        del document, asking
        return 0

    def is_open(self, asking: Asking) -> bool:
        """Whether a request is answered without a credential."""
        return not table(self.adapter)["auth"]["required"] and self.document_of(asking) is not None

    def headers(self, script: Script, now_s: int) -> Mapping[str, str]:
        """Nothing, for most."""
        del script, now_s
        return {}

    # What all do alike.

    @property
    def paged(self) -> bool:
        """Whether any document has pages."""
        return any(document.paged for document in self.documents())

    @property
    def one_request(self) -> bool:
        """Whether there is one document."""
        return len(self.documents()) == 1

    def development_credential(self) -> Mapping[str, str]:
        """What the table says, by field."""
        told = table(self.adapter)["development_credential"]
        return {"api_key": told} if isinstance(told, str) else dict(told)

    def kind_of(self, asking: Asking) -> Kind:
        """What a request is for the ledger: of a list call's requests the first page of the first document is it."""
        if self.is_probe(asking):
            return "probe"
        first = self.documents()[0]
        begins = self.document_of(asking) is first and self._number(first, asking) == 0
        return "list" if begins else "other"

    def is_probe(self, asking: Asking) -> bool:
        """Whether a request asks what a health probe asks."""
        return asking.path == table(self.adapter)["probe_path"] and asking.method == "GET"

    def credential_of(self, asking: Asking) -> str:
        """The key in the API's own field and form; empty where it is in another, or there is none."""
        field = self._field(asking)
        if not table(self.adapter)["auth"]["forms"][0].startswith("Bearer "):
            return field
        scheme, _, rest = field.partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else ""

    def answer(self, provider: Provider, asking: Asking, serial: int) -> Answer:
        """What the API says when nothing is scripted to fail."""
        if (refused := self.refused(provider, asking)) is not None:
            return refused
        if self.is_probe(asking):
            return OK, self.probe_body()
        document = self.document_of(asking)
        return self.refusal("not_found") if document is None else self.listed(provider, document, asking, serial)

    def listed(self, provider: Provider, document: Document, asking: Asking, serial: int) -> Answer:
        """The page that a request is for; a refusal where it is for none."""
        items = provider.items(document.name, serial)
        size = (provider.script.page_size if document.paged else None) or PAGE_ITEMS_MAX
        pages = -(-len(items) // size) if document.paged and items else 1
        number = self._number(document, asking)
        if number is None or number >= pages:
            return self.refusal("bad_page")
        shown = items[number * size : (number + 1) * size] if document.paged else items
        return OK, self.page(document, Page(shown, number, pages, len(items)))

    def refused(self, provider: Provider, asking: Asking) -> Answer | None:
        """The refusal of whoever presents no good credential; an API whose lists are open minds a bad one only."""
        if not self._field(asking) and self.is_open(asking):
            return None
        if not self.knows(provider, asking):
            return self.refusal("unauthorized")
        return self.refusal("forbidden") if provider.script.inactive else None

    def knows(self, provider: Provider, asking: Asking) -> bool:
        """Whether the credential of a request is good."""
        return provider.accepts(self.credential_of(asking), self.development_credential()["api_key"])

    def refusal(self, name: str) -> Answer:
        """Status and body of an error that the table names."""
        said: dict[str, Any] = table(self.adapter)["error"][name]
        return said["status"], said["body"].encode()

    def error(self, status: int) -> bytes:
        """The table's first error with that status, else its `server_error`."""
        errors: dict[str, dict[str, Any]] = table(self.adapter)["error"]
        fits = (said for said in errors.values() if said["status"] == status)
        body: str = next(fits, errors["server_error"])["body"]
        return body.encode()

    def empty(self, asking: Asking) -> bytes:
        """A list of nothing, in the form of the document that is asked for."""
        return self.page(self.document_of(asking) or self.documents()[0], Page(()))

    def documents(self) -> tuple[Document, ...]:
        """The requests of a whole list."""
        return documents(self.adapter)

    def document_of(self, asking: Asking) -> Document | None:
        """Which document a request is for: of two that fit the one that says more."""
        fits = [document for document in self.documents() if document.is_asked(asking)]
        return max(fits, key=lambda document: len(document.query), default=None)

    def items(self, machines: Iterable[Machine], closed: Iterable[str]) -> dict[str, dict[str, str]]:
        """Machines as items by document and key; an auxiliary document that they leave empty has the table's own."""
        found: dict[str, dict[str, str]] = {document.name: {} for document in self.documents()}
        without = set(closed)
        for machine in machines:
            for place, key, text in self.render(machine, *self._divided(machine, without)):
                found[place][key] = text
        for document in self.documents():
            if document.auxiliary and not found[document.name]:
                found[document.name] = dict(auxiliary_items(self.adapter, document.name))
        return found

    def places(self, machine: Machine) -> list[str]:
        """Regions of the API's own that depend on the machine's name alone: two, or one where Lambda has it in one."""
        named = self.regions()
        start = machine.number % len(named)
        return list(dict.fromkeys((named[start], named[(start + 5) % len(named)])))[: len(machine.regions)]

    def regions(self) -> Sequence[str]:
        """Where the catalogue's machines may be."""
        return regions_of(self.adapter)

    def _divided(self, machine: Machine, closed: Collection[str]) -> tuple[list[str], list[str]]:
        places = self.places(machine)
        return [name for name in places if name not in closed], [name for name in places if name in closed]

    def _field(self, asking: Asking) -> str:
        name: str = table(self.adapter)["auth"]["header"]
        return asking.headers.get(name.lower(), "").strip()

    def _number(self, document: Document, asking: Asking) -> int | None:
        try:
            return self.page_number(document, asking)
        except ValueError:
            return None
