"""P19 on the record: what the search found is among the disturbances, as nobody may keep what it searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.findings import Breach, Findings

if TYPE_CHECKING:
    from gatespec.history import Example

LEAK, SEARCHED = "leak", "searched"


def judge_secrecy(example: Example, since: int) -> Findings:
    """Every leak is a breach; each sink that was looked through and held something is an answer, and a sharp one."""
    del since
    findings = Findings()
    for done in example.disturbances:
        if done.what == LEAK:
            findings.breaches.append(Breach(done.how, max(0, len(example.exchanges) - 1)))
        if done.what == SEARCHED:
            findings.answers += 1
            findings.sharp += 1
    return findings
