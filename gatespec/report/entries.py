"""A run in reading order: one numbered chapter per property, one numbered entry per tier and binding."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from gatespec.verdict import Judgement, Verdict, counting, overall

_S_MS = 1_000
_MIN_MS = 60_000
_JUDGED = (Verdict.HOLDS, Verdict.BROKEN, Verdict.INCONCLUSIVE)
_SENTENCES = {
    Verdict.BROKEN: "The target breaks {ids}.",
    Verdict.HARNESS_ERROR: "An error kept the judge from judging {ids}.",
    Verdict.NOT_RUN: "Left to run: {ids}.",
    Verdict.INCONCLUSIVE: "Nothing is proved either way for {ids}.",
    Verdict.UNTESTABLE: "This target's door cannot show {ids}.",
    Verdict.NOT_CLAIMED: "The target does not claim {ids}.",
}


@dataclass(frozen=True)
class Entry:
    """One judgement under its number: `1.2` is the second tier of the first property."""

    number: str
    judgement: Judgement

    @property
    def anchor(self) -> str:
        """What a link to this entry names."""
        return f"e{self.number.replace('.', '-')}"

    @property
    def medium(self) -> str:
        """Tier and what it ran on: `wire, http`."""
        return ", ".join(filter(None, (self.judgement.tier, self.judgement.binding)))


@dataclass(frozen=True)
class Chapter:
    """One property and everything that was judged of it."""

    number: int
    entries: tuple[Entry, ...]

    @property
    def about(self) -> Judgement:
        """Any of its judgements, for what they all share: id, title, level, statement."""
        return next((e.judgement for e in self.entries if e.judgement.statement), self.entries[0].judgement)

    @property
    def verdict(self) -> Verdict:
        """The worst of its entries."""
        return overall(e.judgement.verdict for e in self.entries)


def chapters(judgements: tuple[Judgement, ...]) -> tuple[Chapter, ...]:
    """Number the judgements, properties by id, each one's tiers in the order judged."""
    by_id = sorted(judgements, key=lambda j: j.property_id)
    grouped = groupby(by_id, key=lambda j: j.property_id)
    return tuple(
        Chapter(number, tuple(Entry(f"{number}.{n}", j) for n, j in enumerate(group, 1)))
        for number, (_, group) in enumerate(grouped, 1)
    )


def tally(judgements: tuple[Judgement, ...]) -> dict[Verdict, int]:
    """How many properties got each verdict, worst tier counting; verdicts that none got are left out."""
    counted = Counter(chapter.verdict for chapter in chapters(judgements))
    return {verdict: counted[verdict] for verdict in Verdict if counted[verdict]}


def headline(judgements: tuple[Judgement, ...], verdict: Verdict) -> str:
    """The whole in one sentence, which names what a reader must act on."""
    found = chapters(counting(judgements))
    if not found:
        return "Nothing was judged."
    named = [c.about.property_id for c in found if c.verdict is verdict]
    judged = sum(any(e.judgement.verdict in _JUDGED for e in c.entries) for c in found)
    holding = sum(c.verdict is Verdict.HOLDS for c in found)
    known = [c.about.property_id for c in found if any(e.judgement.known_failure for e in c.entries)]
    if verdict is Verdict.HOLDS and known:
        return f"{_properties(judged)} judged: {_listed(known)} known to be broken, nothing else is."
    if verdict is Verdict.HOLDS:
        return f"{_properties(judged)} judged: {'it holds' if judged == 1 else 'all of them hold'}."
    rest = f"{_properties(judged)} judged, {holding or 'none'} {'hold' if holding > 1 else 'holds'}."
    return f"{_SENTENCES[verdict].format(ids=_listed(named))} {rest if judged else 'Nothing could be judged.'}"


def counts(judgement: Judgement) -> str:
    """What it rests on, for one line: `300 examples, 2,410 requests, sharp 97 %`."""
    examples, requests = _plural(judgement.examples, "example"), _plural(judgement.requests, "request")
    if not judgement.examples:
        return requests
    return f"{examples}, {requests}, sharp {percent(judgement.sharpness)}"


def percent(share: float) -> str:
    """A share in whole percent, rounded down: 79.9 % must not read as the 80 % that would have sufficed."""
    return f"{int(share * 100)} %"


def duration(length_ms: int) -> str:
    """A length of time as a person would say it: `640 ms`, `12.3 s`, `2 min 5 s`."""
    if length_ms < _S_MS:
        return f"{length_ms} ms"
    if length_ms < _MIN_MS:
        return f"{length_ms / _S_MS:.1f} s"
    minutes, rest_ms = divmod(length_ms, _MIN_MS)
    return f"{minutes} min {rest_ms // _S_MS} s"


def _properties(number: int) -> str:
    return f"{number} {'property' if number == 1 else 'properties'}"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(ids: list[str]) -> str:
    return f"{', '.join(ids[:-1])} and {ids[-1]}" if len(ids) > 1 else ids[0]
