"""The record of a run: what was done, when, and what came back. Checkers are pure functions of it.

One JSON object a line. The first is `{"record": "history", "version": 1, ...}`; a `chapter` opens a property on a tier, an `example` opens
one story of it, and each `request` after that belongs to this story. Times are monotonic milliseconds of one clock per chapter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from gatespec.errors import unable
from gatespec.ports import Exchange, Identity, Request, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

VERSION = 1
BODY_MAX = 4096
"""Characters of a body that the record keeps: a problem is far shorter, and nothing judged lies beyond."""


@dataclass(frozen=True)
class Context:
    """What an example was played on: enough to judge it without the stack."""

    property_id: str
    tier: str
    binding: str
    instances: int
    settings: Mapping[str, str]
    """The contract's settings as the gateway had them."""


@dataclass
class Example:
    """One story, and every exchange that it led to, in the order sent."""

    context: Context
    number: int
    exchanges: list[Exchange] = field(default_factory=list)
    story: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class HistoryWriter:
    """Appends examples to an open file; the caller owns the file."""

    def __init__(self, out: IO[str], **about: Any) -> None:
        self._out = out
        self._line({"record": "history", "version": VERSION, **about})

    def chapter(self, context: Context) -> None:
        """Open a property on a tier."""
        self._line(
            {
                "record": "chapter",
                "property": context.property_id,
                "tier": context.tier,
                "binding": context.binding,
                "instances": context.instances,
                "settings": dict(context.settings),
            }
        )

    def example(self, example: Example) -> None:
        """Write one finished story with its exchanges."""
        self._line({"record": "example", "number": example.number, "story": example.story})
        for exchange in example.exchanges:
            self._line(_plain(exchange))
        self._out.flush()

    def _line(self, record: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n")


def read_history(path: Path) -> Iterator[Example]:
    """Yield every finished story; raise `unable` with the line number where the file is not a history."""
    with path.open(encoding="utf-8") as lines:
        context: Context | None = None
        example: Example | None = None
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                kind = record["record"]
                if number == 1:
                    _check_header(record, path)
                elif kind == "chapter":
                    if example is not None:
                        yield example
                    example, context = None, _context(record)
                elif kind == "example" and context is not None:
                    if example is not None:
                        yield example
                    story = [(name, dict(said)) for name, said in record["story"]]
                    example = Example(context, record["number"], story=story)
                elif kind == "request" and example is not None:
                    example.exchanges.append(_exchange(record))
                else:
                    raise ValueError(f"a {kind!r} record cannot stand here")
            except (ValueError, KeyError, TypeError) as error:
                raise unable(
                    "history-malformed",
                    f"{path} line {number} is not part of a history: {error}",
                    hint="judge a history.jsonl that `gatespec verify` wrote, whole",
                ) from error
        if example is not None:
            yield example


def _check_header(record: Mapping[str, Any], path: Path) -> None:
    if record["record"] != "history" or record["version"] != VERSION:
        raise unable(
            "history-version",
            f"{path} is not a history of version {VERSION}",
            tried=f"its first line says {record.get('record')!r}, version {record.get('version')!r}",
            hint="judge it with the gatespec that wrote it",
        )


def _context(record: Mapping[str, Any]) -> Context:
    return Context(record["property"], record["tier"], record["binding"], record["instances"], record["settings"])


def _plain(exchange: Exchange) -> dict[str, Any]:
    asked = exchange.request
    return {
        "record": "request",
        "identity": {"kind": asked.identity.kind, "name": asked.identity.name, "plan": asked.identity.plan},
        "instance": asked.instance,
        "method": asked.method,
        "path": asked.path,
        "headers": dict(asked.headers),
        "sent_ms": exchange.span.sent_ms,
        "heard_ms": exchange.span.heard_ms,
        "status": exchange.status,
        "answer_headers": dict(exchange.headers),
        "answer_body": exchange.body[:BODY_MAX].decode("utf-8", "replace"),
    }


def _exchange(record: Mapping[str, Any]) -> Exchange:
    who = record["identity"]
    request = Request(
        Identity(who["kind"], who["name"], who["plan"]),
        record["instance"],
        record["method"],
        record["path"],
        tuple(record["headers"].items()),
    )
    span = Span(record["sent_ms"], record["heard_ms"])
    return Exchange(request, span, record["status"], record["answer_headers"], record["answer_body"].encode())
