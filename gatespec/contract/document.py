"""The OpenAPI document: its operations, who may ask for them, and what each may be answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import yaml

from gatespec.errors import unable
from gatespec.suites import spec_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Node = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_TEMPLATE = re.compile(r"\{[^{}]+\}")


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    """In capitals."""
    path: str
    """With its `{templates}`."""
    about: Node = field(repr=False, hash=False, compare=False)
    """What the document says of it."""
    security: tuple[Mapping[str, tuple[str, ...]], ...] = field(default=(), hash=False, compare=False)
    """Who may ask: any of these, each with the roles that its scheme needs; `{}` is anybody."""

    @property
    def label(self) -> str:
        """`GET /api/v2/providers/{offer_id}`."""
        return f"{self.method} {self.path}"

    @property
    def title(self) -> str:
        """What it is for, in the document's words."""
        return str(self.about.get("summary") or self.label)

    @property
    def statuses(self) -> tuple[str, ...]:
        """What it may be answered."""
        return tuple(str(status) for status in self.about["responses"])

    @property
    def further_rules(self) -> str:
        """What a valid request has to keep that no schema can say; empty: every valid request is to be accepted."""
        return str(self.about.get("x-further-rules") or "")

    @property
    def ends_credential(self) -> bool:
        """Whether what it does may end the credential that it was asked with."""
        return bool(self.about.get("x-ends-credential"))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its path looks like when it is asked for."""
        literal = [re.escape(part) for part in _TEMPLATE.split(self.path)]
        return re.compile("[^/]+".join(literal))


@dataclass(frozen=True)
class ContractDocument:
    """An OpenAPI document with the JSON schemas that lie beside it."""

    raw: Node = field(repr=False)
    schemas: Mapping[str, Node] = field(repr=False)
    """By file name."""

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read it; raise `unable` where it is no OpenAPI document."""
        try:
            raw = yaml.safe_load(file.read_text(encoding="utf-8"))
            lying = (file.parent / "schemas").glob("*.json")
            schemas = {each.name: json.loads(each.read_text(encoding="utf-8")) for each in lying}
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise unable("contract-unreadable", f"the contract's document cannot be read: {error}") from error
        if not (isinstance(raw, dict) and isinstance(raw.get("paths"), dict)):
            raise unable("contract-malformed", f"{file.name} is no OpenAPI document")
        return cls(raw, schemas)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All of them, in the document's order."""
        return tuple(self._operations())

    def _operations(self) -> Iterator[Operation]:
        whole = _security(self.raw.get("security", [{}]))
        for path, item in self.raw["paths"].items():
            for method in (name for name in METHODS if name in item):
                about = item[method]
                own = _security(about["security"]) if "security" in about else whole
                name = str(about.get("operationId") or f"{method.upper()} {path}")
                yield Operation(name, method.upper(), path, about, own)

    def resolved(self, node: Node) -> Node:
        """Follow a reference within the document."""
        while str(node.get("$ref", "")).startswith("#/"):
            found: Any = self.raw
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def bundled(self, base_url: str = "") -> Node:
        """The document as one piece, its schemas among the components; served at `base_url` where given."""
        bundled: Node = _rewritten(self.raw, "#/components/schemas/")
        components = bundled.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in self.schemas.items():
            components[name] = _rewritten(_without_dialect(schema), "#/components/schemas/")
        return {**bundled, "servers": [{"url": base_url}]} if base_url else bundled


@cache
def load_document() -> ContractDocument:
    """The judge's own document, `spec/openapi.yaml`."""
    return ContractDocument.read(spec_dir() / "openapi.yaml")


def _security(listed: list[Mapping[str, list[str]]]) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    return tuple({scheme: tuple(roles) for scheme, roles in needed.items()} for needed in listed) or ({},)


def _without_dialect(schema: Node) -> Node:
    return {name: value for name, value in schema.items() if name not in {"$schema", "$id"}}


def _rewritten(node: Any, home: str) -> Any:  # noqa: ANN401 - any JSON
    """Point what names a file of schemas at the component that it becomes."""
    if isinstance(node, list):
        return [_rewritten(each, home) for each in node]
    if not isinstance(node, dict):
        return node
    return {name: _pointed(value, home) if name == "$ref" else _rewritten(value, home) for name, value in node.items()}


def _pointed(reference: str, home: str) -> str:
    if reference.startswith("#"):
        return reference
    return home + reference.rsplit("/", 1)[-1]
