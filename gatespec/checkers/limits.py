"""The plan limits as a gateway has them set, and the exchanges of a story sorted by who was asked."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from gatespec.checkers.findings import Findings
from gatespec.checkers.windows import judge_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.history import Example
    from gatespec.ports import Exchange


def window_ms(settings: Mapping[str, str]) -> int:
    """The trailing window in ms."""
    return int(Decimal(settings["GATEWAY_RATE_WINDOW_S"]) * 1000)


def limit_of(settings: Mapping[str, str], plan: str) -> int:
    """How many admissions a plan gets in any window."""
    return int(settings[f"GATEWAY_RATE_{plan.upper()}"])


def by_identity(example: Example) -> dict[str, list[tuple[int, Exchange]]]:
    """Each identity's exchanges with their places in the example, in the order sent."""
    sorted_out: dict[str, list[tuple[int, Exchange]]] = {}
    for place, exchange in enumerate(example.exchanges):
        sorted_out.setdefault(exchange.request.identity.id, []).append((place, exchange))
    return sorted_out


def judge_limits(example: Example, since: int) -> Findings:
    """Judge every identity's answers by the limit of its plan."""
    findings = Findings()
    settings = example.context.settings
    for exchanges in by_identity(example).values():
        plan = exchanges[0][1].request.identity.plan
        findings.add(judge_window(exchanges, limit_of(settings, plan), window_ms(settings), since=since))
    return findings
