"""What the judge says in the end, per property and tier, and of the whole run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gatespec.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """Every answer that a judgement can end with."""

    HOLDS = "holds"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    UNTESTABLE = "untestable"
    NOT_CLAIMED = "not claimed"
    NOT_RUN = "not run"
    HARNESS_ERROR = "harness error"


@dataclass(frozen=True)
class Service:
    """A server that really ran, or would run: `Redis API: Valkey 9.1.2`, and why this one."""

    role: str
    server: str
    version: str
    why: str
    address: str = ""


@dataclass(frozen=True)
class Failure:
    """A broken promise as a person needs it: the statement, the shortest story, how to see it again."""

    statement: str
    breach: str
    story: tuple[str, ...]
    requests: tuple[str, ...]
    """The requests of the story as curl lines, in the order sent."""
    answers: tuple[str, ...]
    """What each of those requests was answered, one line each, beside what was permitted."""
    replay: str
    """One shell line that tells the story again."""
    reproduced: int
    replays: int
    meanwhile: tuple[str, ...] = ()
    """What happened beside the requests, one line each: what the judge did to the stage, what providers saw."""


@dataclass(frozen=True)
class Second:
    """One second of a drill's traffic."""

    at_s: int
    """Since the first request."""
    faulty: bool
    """Whether the fault was in force in it, or perhaps was."""
    answered: int
    limited: int
    """Of those answered, how many past the limit: 429."""
    errors: int
    """Answered with 500 or more, or not at all."""
    median_ms: int
    worst_ms: int
    oldest_ms: int
    """Age of the oldest price that was shown."""


@dataclass(frozen=True)
class Timeline:
    """A drill second by second, against its fault."""

    windows: tuple[tuple[str, int, int], ...]
    """How each spell of the fault was, and from when to when in ms after the first request."""
    seconds: tuple[Second, ...]


@dataclass(frozen=True)
class Judgement:
    """One property on one tier (and, in process, one store), with all that led to the verdict."""

    property_id: str
    title: str
    level: str
    """MUST or SHOULD."""
    tier: str
    """`component`, `wire` or `real-time`."""
    binding: str
    """What the tier ran on: `pure`, `redis`, `http`."""
    verdict: Verdict
    reason: str
    """One sentence; never empty unless the property holds."""
    statement: str = ""
    examples: int = 0
    distinct: int = 0
    requests: int = 0
    provider_calls: int = 0
    waited_ms: int = 0
    took_ms: int = 0
    sharpness: float = 1.0
    """Share of answers with exactly one permitted verdict, 0 to 1."""
    evidence: dict[str, int] = field(default_factory=dict)
    """Each mark that the property lists, and how often the run saw it."""
    lag_ms: int = 0
    """The worst delay that the echo server beside the run saw."""
    failure: Failure | None = None
    known_failure: bool = False
    """Listed in the target's strict file of known failures."""
    timeline: Timeline | None = None
    """Of a drill alone."""


@dataclass(frozen=True)
class Run:
    """A whole judgement: what was judged, on what, with which dice."""

    target: str
    profile: str
    """`conformance` or `explore`."""
    seed: int | None
    started_at: str
    took_ms: int
    command: str
    """The line that repeats this run."""
    services: tuple[Service, ...]
    judgements: tuple[Judgement, ...]
    requirements: tuple[dict[str, Any], ...] = ()
    """Rows of the matrix: id, demand, source, covered_by, state."""

    @property
    def verdict(self) -> Verdict:
        """The worst of all judgements, in the order that a reader must act on them; a known failure spoils nothing."""
        return overall(Verdict.HOLDS if j.known_failure else j.verdict for j in counting(self.judgements))

    def as_json(self) -> dict[str, Any]:
        """Everything, in plain types."""
        return {"format": "gatespec-report", "version": 1, "verdict": str(self.verdict), **asdict(self)}


CONTRACT = "CONTRACT"
"""The entry that all answers of a run have together."""
_WORST_FIRST = (
    Verdict.BROKEN,
    Verdict.HARNESS_ERROR,
    Verdict.NOT_RUN,
    Verdict.INCONCLUSIVE,
    Verdict.HOLDS,
    Verdict.UNTESTABLE,
    Verdict.NOT_CLAIMED,
)


def counting(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Those that a verdict of the whole rests on: right answers prove no property that nobody could judge."""
    listed = tuple(judgements)
    others = tuple(j for j in listed if j.property_id != CONTRACT or j.verdict is not Verdict.HOLDS)
    return others if any(j.property_id != CONTRACT for j in listed) else listed


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of the whole: the worst that any property got; of nothing, `not run`."""
    seen = set(verdicts)
    return next((v for v in _WORST_FIRST if v in seen), Verdict.NOT_RUN)


def exit_code(verdict: Verdict) -> Exit:
    """0 only where something was judged and all that is claimed holds."""
    if verdict is Verdict.HOLDS:
        return Exit.HOLDS
    return Exit.BROKEN if verdict is Verdict.BROKEN else Exit.COULD_NOT_JUDGE
