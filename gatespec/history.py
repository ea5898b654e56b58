"""The record of a run: what was done, when, and what came back. Checkers are pure functions of it.

One JSON object a line. The first is `{"record": "history", "version": 6, ...}`; a `chapter` opens a property on a
tier, an `example` opens one story of it, and what comes after that belongs to this story. Of its `request` records the
first is whole, each other says what is different from the one before (a header that is gone is null). Stories of the
read path have two kinds more: a `disturbance` for each thing that the judge did to the stage, and a `call` for each
list call and each probe that a provider saw. Drills have a `sample` for each look at what an instance held.
Times are monotonic milliseconds of one clock per chapter.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any

from gatespec.errors import unable
from gatespec.ports import Binding, Exchange, Identity, Request, Span, Tier
from gatespec.read_ports import Disturbance, Sample, UpstreamCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

VERSION = 6
BODY_MAX = 4096
"""Bytes of an error's body that the record keeps: a problem is far shorter."""
BODY_JUDGED_MAX = 65_536
"""Bytes of any body that it keeps where a checker reads them (`Context.bodies`): a page of a hundred offers."""
ERROR_MIN = 400
"""Elsewhere bodies of answers below this status are not kept: no checker reads one, and they are most of the bytes."""


@dataclass(frozen=True)
class Context:
    """What an example was played on: enough to judge it without the stack."""

    property_id: str
    tier: Tier
    binding: Binding
    instances: int
    settings: Mapping[str, str]
    """The contract's settings as the gateway had them."""
    bodies: bool = False
    """Whether the check reads what was answered: then the record keeps every body."""
    balancing: str = ""
    """What the target claims of the order of its calls: `smooth`, or nothing."""
    adapters: tuple[str, ...] = ()
    """What the target claims to speak; none: lambda alone, which every gateway with providers of the judge's reads."""


@dataclass
class Example:
    """One story, and every exchange that it led to, in the order sent."""

    context: Context
    number: int
    exchanges: list[Exchange] = field(default_factory=list)
    story: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: list[UpstreamCall] = field(default_factory=list)
    """List calls at the providers that the story read, in order of arrival; as of its last step."""
    disturbances: list[Disturbance] = field(default_factory=list)
    lag_ms: int = 0
    """The worst that an echo beside the story took: what the machine alone may add to any time on the wire."""
    probes: list[UpstreamCall] = field(default_factory=list)
    """Of the same providers, where the chapter judges them."""
    samples: list[Sample] = field(default_factory=list)
    """What instances held, where a drill looks."""


class HistoryWriter:
    """Appends examples to an open file; the caller owns the file."""

    def __init__(self, out: IO[str], **about: str) -> None:
        """With nothing to say about the run, what it writes is to stand behind what another began."""
        self._out = out
        if about:
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
                "bodies": context.bodies,
                "balancing": context.balancing,
                "adapters": list(context.adapters),
            }
        )

    def example(self, example: Example) -> None:
        """Write one finished story with its exchanges, then what was done beside them and seen of the providers."""
        about = {"number": example.number, "story": example.story, "lag_ms": example.lag_ms}
        self._line({"record": "example", **about})
        before: dict[str, Any] = {}
        for exchange in example.exchanges:
            told = _plain(exchange, bodies=example.context.bodies)
            self._line({"record": "request", **_difference(told, before)})
            before = told
        for disturbance in example.disturbances:
            self._line({"record": "disturbance", **asdict(disturbance)})
        for call in (*example.calls, *example.probes):
            self._line({"record": "call", **asdict(call)})
        for sample in example.samples:
            self._line({"record": "sample", **asdict(sample)})
        self._out.flush()

    def _line(self, record: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n")


def read_history(path: Path) -> Iterator[Example]:
    """Yield every finished story; raise `unable` with the line number where the file is not a history."""
    reader = _Reader()
    with path.open("rb") as lines:  # as bytes, so that what is no text has a line number too
        for number, line in enumerate(lines, 1):
            try:
                finished = reader.take(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise unable(
                    "history-malformed",
                    f"{path} line {number} is not part of a history: {error}",
                    hint="judge a history.jsonl that `gatespec verify` wrote, whole",
                ) from error
            if finished is not None:
                yield finished
    if reader.example is not None:
        yield reader.example


class _Reader:
    """Where in the history we are."""

    def __init__(self) -> None:
        self._begun = False
        self._context: Context | None = None
        self.example: Example | None = None
        self._request: dict[str, Any] = {}

    def take(self, record: Mapping[str, Any]) -> Example | None:
        """Read one record; return the story that it ended, if it did."""
        kind = record["record"]
        if not self._begun:
            _check_header(record)
            self._begun = True
        elif kind == "chapter":
            ended, self.example, self._context = self.example, None, _context(record)
            return ended
        elif kind == "example" and self._context is not None:
            story = [(name, dict(said)) for name, said in record["story"]]
            opened = Example(self._context, record["number"], story=story, lag_ms=record["lag_ms"])
            ended, self.example = self.example, opened
            return ended
        elif self.example is not None:
            self._add(kind, record, self.example)
        else:
            raise ValueError(f"a {kind!r} record cannot stand here")
        return None

    def _add(self, kind: str, record: Mapping[str, Any], example: Example) -> None:
        """Take in what belongs to a story."""
        said = {name: value for name, value in record.items() if name != "record"}
        if kind == "request":
            self._request = _whole(said, self._request if example.exchanges else {})
            example.exchanges.append(_exchange(self._request))
        elif kind == "disturbance":
            example.disturbances.append(Disturbance(**said))
        elif kind == "call":
            call = UpstreamCall(**said)
            (example.probes if call.kind == "probe" else example.calls).append(call)
        elif kind == "sample":
            example.samples.append(Sample(**said))
        else:
            raise ValueError(f"there is no {kind!r} record")


def _check_header(record: Mapping[str, Any]) -> None:
    if record["record"] != "history" or record["version"] != VERSION:
        raise ValueError(f"its first line says {record['record']!r}, version {record['version']!r}, not {VERSION}")


def _context(record: Mapping[str, Any]) -> Context:
    about = {name: record[name] for name in ("tier", "binding", "instances", "settings", "bodies", "balancing")}
    return Context(record["property"], **about, adapters=tuple(record["adapters"]))


def _plain(exchange: Exchange, *, bodies: bool) -> dict[str, Any]:
    asked = exchange.request
    kept = BODY_JUDGED_MAX if bodies else BODY_MAX if _is_error(exchange) else 0
    return {
        "identity": {"kind": asked.identity.kind, "name": asked.identity.name, "plan": asked.identity.plan},
        "instance": asked.instance,
        "method": asked.method,
        "path": asked.path,
        "headers": dict(asked.headers),
        "body": asked.body,
        "sent_ms": exchange.span.sent_ms,
        "heard_ms": exchange.span.heard_ms,
        "status": exchange.status,
        "answer_headers": dict(exchange.headers),
        "answer_body": exchange.body[:kept].decode("utf-8", "replace"),
    }


def is_whole(exchange: Exchange, context: Context) -> bool:
    """Whether a record keeps the whole body of an answer like this."""
    kept = BODY_JUDGED_MAX if context.bodies else BODY_MAX if _is_error(exchange) else 0
    return len(exchange.body) < kept


def _is_error(exchange: Exchange) -> bool:
    return exchange.status is not None and exchange.status >= ERROR_MIN


def _difference(told: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as before: a burst says the same a thousand times."""
    changed = {name: value for name, value in told.items() if name not in before or before[name] != value}
    if before and "answer_headers" in changed:
        now, then = told["answer_headers"], before["answer_headers"]
        gone = dict.fromkeys(then.keys() - now.keys())
        changed["answer_headers"] = {**_difference(now, then), **gone}
    return changed


def _whole(record: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `_difference`."""
    headers = {**before.get("answer_headers", {}), **record.get("answer_headers", {})}
    kept = {name: value for name, value in headers.items() if value is not None}
    return {**before, **record, "answer_headers": kept}


def _exchange(record: Mapping[str, Any]) -> Exchange:
    who = record["identity"]
    request = Request(
        Identity(who["kind"], who["name"], who["plan"]),
        record["instance"],
        record["method"],
        record["path"],
        tuple(record["headers"].items()),
        body=record["body"],
    )
    span = Span(record["sent_ms"], record["heard_ms"])
    return Exchange(request, span, record["status"], record["answer_headers"], record["answer_body"].encode())
