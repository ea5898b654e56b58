"""What a provider whose breaker is open is spared, and what its readers are shown meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.checkers.answers import SHOWN, reads_of
from gatespec.checkers.breaker import Open
from gatespec.checkers.findings import Breach, Findings
from gatespec.checkers.periods import explained, is_open, judge_breakers
from gatespec.checkers.shown import judge_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatespec.checkers.answers import Read
    from gatespec.checkers.periods import Told
    from gatespec.history import Example
    from gatespec.read_ports import UpstreamCall

OPEN = "breaker-open"


@dataclass(frozen=True)
class Stretch:
    """A time in which one provider's breaker surely was open for all instances."""

    told: Told
    from_ms: float
    to_ms: float

    def holds(self, from_ms: float, to_ms: float) -> bool:
        """Whether it surely was so all the time between; within one ms nobody can tell."""
        slack_ms = self.told.provider.slack_ms
        return self.from_ms + slack_ms < from_ms and to_ms < self.to_ms - slack_ms

    @property
    def name(self) -> str:
        """The provider's."""
        return self.told.provider.name


def stretches_of(told: Told) -> Iterator[Stretch]:
    """Every time in which it surely was open, in their order; none of what is one instance's own."""
    if told.provider.instance is not None:
        return
    last: Stretch | None = None
    for step in told.steps:
        opened = [state.since for state in step.after if isinstance(state, Open)]
        if not is_open(step.after):
            continue
        from_ms = max(since.to_ms for since in opened)
        to_ms = min(min(since.from_ms for since in opened) + told.rules.open_ms, told.provider.until_ms)
        found = Stretch(told, from_ms, to_ms)
        if last is None or from_ms >= last.to_ms:
            last = found
            yield found


def judge_withheld(example: Example, since: int) -> Findings:
    """Hold calls, probes and answers against the statement."""
    findings = judge_breakers(example, since)
    findings.add(_judge_shown(example, since))
    last = len(example.exchanges) - 1
    for stretch in (stretch for told in explained(example) for stretch in stretches_of(told)):
        sent = probes_in(stretch, example.probes, under_way_ms(example))
        if probe := next(sent, None):
            what = f"{stretch.name} was probed at {probe.began_ms} ms, while its breaker was open {_words(stretch)}"
            findings.breaches.append(Breach(what, last))
        for read in reads_in(stretch, since):
            if fault := _fault_in_warning(stretch, read):
                findings.breaches.append(Breach(fault, read.place))
    return findings


def _judge_shown(example: Example, since: int) -> Findings:
    """Of readers with keys of their own nobody can tell which list they were to see: those providers are left out."""
    people: dict[str, set[str]] = {}
    for read in reads_of(example):
        for name in read.asked:
            people.setdefault(name, set()).add(read.exchange.request.identity.id)
    mixed = {name for name, readers in people.items() if len(readers) > 1}
    return judge_shown(example, since, but_not=mixed)


def under_way_ms(example: Example) -> float:
    """How much later than the opening a probe may arrive: who sends it looked at the breaker before.

    In process nothing takes time between a look and a request. On a wire it is not said how long that may take; half
    of the time between probes leaves the next ones to convict whoever never looks.
    """
    if example.context.tier == "component":
        return 0
    return float(example.context.settings["GATEWAY_HEALTH_INTERVAL_S"]) * 1000 / 2


def probes_in(stretch: Stretch, probes: Sequence[UpstreamCall], under_way_ms: float) -> Iterator[UpstreamCall]:
    """Those that the provider got meanwhile, and that were not under way when it opened."""
    for probe in probes:
        if probe.provider == stretch.name and stretch.holds(probe.began_ms - under_way_ms, probe.began_ms):
            yield probe


def reads_in(stretch: Stretch, since: int = 0) -> Iterator[Read]:
    """Those that were sent and answered meanwhile, and surely got no call."""
    for step in stretch.told.steps:
        for event in step.events:
            read = event.read
            if event.what == "refused" and read and read.place >= since and stretch.holds(read.sent_ms, read.heard_ms):
                yield read


def _fault_in_warning(stretch: Stretch, read: Read) -> str | None:
    shown = read.of(stretch.name)
    if read.exchange.status != SHOWN or shown.serial is not None or shown.warning == OPEN:
        return None
    return f"{stretch.name} was {shown.words} while its breaker was open {_words(stretch)}: {OPEN} was due"


def _words(stretch: Stretch) -> str:
    return f"from {stretch.from_ms:.0f} to {stretch.to_ms:.0f} ms"
