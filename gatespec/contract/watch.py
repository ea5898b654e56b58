"""Every answer of a run, held against the document as it is heard: the entry `CONTRACT` of each report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from gatespec.contract.answers import Answer, load_examiner
from gatespec.engine.failure import curl
from gatespec.verdict import CONTRACT, Failure, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatespec.contract.answers import Violation
    from gatespec.ports import Binding, Exchange, Tier

TITLE: Final = "The HTTP contract"
STATEMENT: Final = (
    "Every answer is as spec/openapi.yaml documents it: its status, its headers, its media type, its body; every error "
    "is a problem with a code of spec/errors.toml."
)
VIOLATIONS_MAX: Final = 50
"""Distinct ones that are kept: by operation, status, check and place."""
AGAIN: Final = "# found while other properties were judged: run the same command again"


@dataclass
class Watch:
    """What was heard on one lane, and what of it is not as documented."""

    answers: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    """`GET /api/v2/providers 200`, and how often."""
    violations: dict[tuple[str, ...], tuple[Violation, Exchange]] = field(default_factory=dict)

    def heard(self, exchange: Exchange, *, whole: bool = True) -> None:
        """Hold one answer against the document; without its `whole` body only what is before that."""
        if exchange.status is None:
            return
        asked = exchange.request
        body = exchange.body if whole else None
        answer = Answer(asked.method, asked.path, exchange.status, exchange.headers, body)
        examiner = load_examiner()
        self.answers += 1
        operation = examiner.operation(asked.method, asked.path)
        self.seen[f"{operation.label if operation else 'elsewhere'} {exchange.status}"] += 1
        for violation in examiner.examine(answer):
            if len(self.violations) < VIOLATIONS_MAX:
                self.violations.setdefault(violation.key, (violation, exchange))

    def judgement(self, tier: Tier, binding: Binding) -> Judgement:
        """What comes of it: the target is wrong, or the judge is, or nobody."""
        found = [violation for violation, _ in self.violations.values()]
        ours = [violation for violation in found if violation.fault == "judge"]
        theirs = [violation for violation in found if violation.fault == "target"]
        verdict = Verdict.BROKEN if theirs else Verdict.HARNESS_ERROR if ours else Verdict.HOLDS
        return Judgement(
            CONTRACT,
            TITLE,
            "MUST",
            tier,
            binding,
            verdict,
            str((theirs or ours)[0]) if found else "",
            statement=STATEMENT,
            requests=self.answers,
            evidence=dict(sorted(self.seen.items())),
            failure=self._failure() if theirs else None,
        )

    def _failure(self) -> Failure:
        shown = [
            (violation, exchange) for violation, exchange in self.violations.values() if violation.fault == "target"
        ]
        return Failure(
            statement=STATEMENT,
            breach=str(shown[0][0]),
            story=tuple(str(violation) for violation, _ in shown),
            requests=tuple(curl(exchange) for _, exchange in shown),
            answers=tuple(f"{violation.status}: {violation.what}" for violation, _ in shown),
            replay=AGAIN,
            reproduced=0,
            replays=0,
        )


def together(judgements: Iterable[Judgement]) -> Judgement:
    """Sum up those of several lanes: the worst of them, and all that was seen."""
    listed = list(judgements)
    worst = min(listed, key=lambda each: _WORST.index(each.verdict))
    seen: Counter[str] = Counter()
    for each in listed:
        seen.update(each.evidence)
    return replace(worst, requests=sum(each.requests for each in listed), evidence=dict(sorted(seen.items())))


_WORST: Final = (Verdict.BROKEN, Verdict.HARNESS_ERROR, Verdict.HOLDS)
