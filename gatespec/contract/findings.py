"""What a contract run found, by operation: its entries in the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatespec.contract.watch import STATEMENT
from gatespec.verdict import CONTRACT, Failure, Judgement, Verdict

if TYPE_CHECKING:
    from gatespec.contract.document import Operation

BARRED: Final = frozenset({401, 403, 404})
BARRED_SHARE: Final = 0.9
"""From this share on nothing was really asked of an operation."""
FINDINGS_MAX: Final = 20
"""Of an operation; each further one is counted."""


@dataclass(frozen=True)
class Finding:
    """A check that failed, for whom, and the request that shows it."""

    check: str
    role: str
    what: str
    request: str
    """As a curl line in which words stand for credentials."""
    reproduced: int = 0
    replays: int = 0

    @property
    def sentence(self) -> str:
        """As a report says it."""
        return f"{self.check}, asked by {self.role}: {self.what}"


@dataclass
class Asked:
    """One operation: what came of all that was asked of it."""

    operation: Operation
    statuses: Counter[int] = field(default_factory=Counter)
    """Of callers who may ask."""
    others: Counter[int] = field(default_factory=Counter)
    """Of callers who may not, and of credentials that prove nothing."""
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    more: int = 0

    def found(self, finding: Finding) -> None:
        """Keep the first of each check and sentence."""
        key = finding.check, finding.what
        if key in self.findings or len(self.findings) >= FINDINGS_MAX:
            self.more += 1
        else:
            self.findings[key] = finding

    def judgement(self, replay: str) -> Judgement:
        """The entry of this operation; `replay` is the line that asks all of it again."""
        verdict, reason = self._weighed()
        cases = self.statuses.total() + self.others.total()
        return Judgement(
            CONTRACT,
            f"The HTTP contract: {self.operation.label}",
            "MUST",
            "wire",
            self.operation.id,
            verdict,
            reason,
            statement=STATEMENT,
            requests=cases,
            evidence={str(status): times for status, times in sorted((self.statuses + self.others).items())},
            failure=self._failure(replay) if self.findings else None,
        )

    def _weighed(self) -> tuple[Verdict, str]:
        if self.findings:
            return Verdict.BROKEN, next(iter(self.findings.values())).sentence
        asked, barred = self.statuses.total(), sum(self.statuses[status] for status in BARRED)
        if not asked:
            return Verdict.INCONCLUSIVE, "nobody who may ask for it could be brought"
        if barred >= asked * BARRED_SHARE:
            return Verdict.INCONCLUSIVE, f"{barred} of {asked} cases got 401, 403 or 404: nothing was really asked"
        return Verdict.HOLDS, ""

    def _failure(self, replay: str) -> Failure:
        listed = list(self.findings.values())
        return Failure(
            statement=STATEMENT,
            breach=listed[0].sentence,
            story=tuple(finding.sentence for finding in listed),
            requests=tuple(finding.request for finding in listed),
            answers=tuple(finding.what for finding in listed),
            replay=replay,
            reproduced=listed[0].reproduced,
            replays=listed[0].replays,
        )
