"""The simulated providers of one lane, as the judge's read driver holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gatespec.drivers.marks import Marks
from gatespec.drivers.moods import Mood, Moods
from gatespec.providers.script import Fault, Script
from gatespec.providers.tables import table
from gatespec.read_ports import PLAIN, SERIAL_BASE_CENTS, UpstreamCall
from gatespec.stack.simulators import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatespec.providers.control_client import ProvidersControl
    from gatespec.providers.ledger import Call
    from gatespec.providers.script import EchoForm
    from gatespec.read_ports import CallKind, Failing, Shape
    from gatespec.stack.pool import ProviderPool

FAULTS: Mapping[Failing, Mapping[str, object]] = {
    "status": {"kind": "status"},
    "reset": {"kind": "reset"},
    "hang": {"kind": "hang"},
    "undecodable": {"kind": "html", "status": 200},
    "unauthorized": {"kind": "status", "status": 401},
    "forbidden": {"kind": "status", "status": 403},
    "limited": {"kind": "rate_limited"},
}
OUTCOMES: Mapping[str, str] = {"html": "undecodable", "rate_limited": "limited"}
"""What the ledger calls by another word than the judge."""
STATUSES: Mapping[int, str] = {401: "unauthorized", 403: "forbidden"}
"""What it calls by the same word, whatever the status."""


class Providers:
    """Lends fresh ones, tells them how to answer, and reads their ledger."""

    def __init__(
        self, control: ProvidersControl, pool: ProviderPool, house: Callable[[str], Mapping[str, str]]
    ) -> None:
        """`house` is the house's first credential for a provider."""
        self._control = control
        self._pool = pool
        self._house = house
        self._after: int | None = None
        self._moods: dict[str, Moods] = {}
        self.marks = Marks()

    def begin(self) -> None:
        """A story begins: what was called before it is of no interest, and whoever is swept falls silent again."""
        swept = [name for name in self._moods if table(self._pool.shape_of(name).adapter).get("swept")]
        if swept:
            self._control.script(swept, SILENT)
        self._after = None
        self._moods.clear()
        self.marks.forget()

    def fresh(self, count: int, shape: Shape) -> tuple[str, ...]:
        """Providers that nobody read; of lambda pricing serially."""
        names = self._pool.take(count, shape)
        self._moods |= {name: Moods(len(shape.weights)) for name in names}
        if names:
            serial = Script(serial_cents=SERIAL_BASE_CENTS) if shape.adapter == PLAIN.adapter else Script(latency_ms=0)
            last = self._control.script(names, serial)
            # Who is polled was called before the story: its serials are known from the first call on, or not at all.
            for name in names:
                self.marks.begin(name, self._house(name))
            began = 0 if shape.poll_s else last
            self._after = began if self._after is None else min(self._after, began)
        return names

    def accept(self, name: str) -> None:
        """Let a provider accept what the marks say."""
        self._control.script(name, Script(credentials=self.marks.accepted(name)))

    def behave(self, name: str, mood: Mood) -> None:
        """Let its list answer so from now on, at every endpoint."""
        self._of(name).set_all(mood)
        self._tell(name)

    def behave_at(self, name: str, place: int, kind: CallKind, mood: Mood) -> None:
        """Let one endpoint answer requests of one kind so."""
        self._of(name).set(place, kind, mood)
        self._tell(name)

    def echo(self, name: str, form: str, status: int) -> None:
        """Let its list answer with what it was sent; an empty form: no more."""
        faults = (
            [Fault(kind="echo", times=None, applies_to="list", status=status, form=cast("EchoForm", form))]
            if form
            else []
        )
        self._control.script(name, Script(faults=faults))

    def stock(self, name: str, items: Mapping[str, str], page_items: int | None) -> None:
        """Let it list these from now on."""
        self._control.script(name, Script(items=dict(items), page_size=page_items, serial_cents=None))
        self._tell(name)

    def _of(self, name: str) -> Moods:
        return self._moods.setdefault(name, Moods(len(self._pool.shape_of(name).weights)))

    def _tell(self, name: str) -> None:
        several = len(self._pool.shape_of(name).weights) > 1
        moods = self._of(name)
        latencies = {_place(place, several): mood.latency_ms for place, kind, mood in moods.all() if kind == "list"}
        faults = list(_faults(moods, several=several))
        self._control.script(name, Script(endpoint_latency_ms=latencies, faults=faults))

    def _seen(self, call: Call, kind: CallKind) -> UpstreamCall:
        outcome = STATUSES.get(call.status or 0) or OUTCOMES.get(call.outcome, call.outcome)
        place, mark = int(call.endpoint or 0), self.marks.of(call.provider, call.fingerprint)
        told = call.provider, call.serial, call.began_ms, call.ended_ms, outcome, place, kind
        return UpstreamCall(*told, credential=mark)

    def calls(self, providers: Sequence[str], kind: CallKind) -> list[UpstreamCall]:
        """Their calls of a kind since the story's first provider was lent."""
        if not providers:
            return []
        return [self._seen(call, kind) for call in self._control.ledger(providers, kind, after=self._after or 0)]


def _place(place: int, several: bool) -> str:  # noqa: FBT001 - which of two namings the file has
    return str(place) if several else ""


def _faults(moods: Moods, *, several: bool) -> Iterator[Fault]:
    for place, kind, mood in moods.all():
        if mood.failing:
            told = {**FAULTS[mood.failing], "retry_after": mood.retry_after or None}
            where = {"applies_to": kind, "endpoint": _place(place, several), "times": None}
            yield Fault.model_validate({**told, **where})
