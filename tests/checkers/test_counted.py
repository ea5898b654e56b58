"""What is counted of malformed items, held against the calls that listed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.checkers.counted import LEFT_OUT, METRICS_PATH, without_others
from gatespec.checkers.normalisation import judge_normalisation
from gatespec.hand_tables import Stock, hand_tables
from gatespec.ports import Exchange, Request, Span
from tests.checkers.written import READER, Story

if TYPE_CHECKING:
    from gatespec.history import Example

TABLE = hand_tables()["lambda"]
STOCKS = {"a": Stock(TABLE, tuple(item for item in TABLE.items if not item.unknown_gpu))}
LISTED = STOCKS["a"].left_out


def looked(*counted: str) -> Example:
    """Two calls were through, and then each instance's metrics said this of the provider."""
    story = Story().call(0, 10).call(20, 30)
    for place, text in enumerate(counted):
        request = Request(READER, place, path=METRICS_PATH)
        story.exchanges.append(Exchange(request, Span(40 + place, 40 + place), 200, body=text.encode()))
    return story.example


def shown(count: int, provider: str = "a") -> str:
    return f'# TYPE {LEFT_OUT}_total counter\n{LEFT_OUT}_total{{provider="{provider}"}} {count}\n'


def test_what_all_instances_counted_together_is_what_was_listed() -> None:
    findings = judge_normalisation(looked(shown(LISTED), shown(LISTED)), 0, STOCKS)
    assert (findings.breaches, findings.answers, findings.sharp) == ([], 1, 1)


def test_what_is_not_counted_is_missed() -> None:
    findings = judge_normalisation(looked(shown(LISTED), shown(0, "b")), 0, STOCKS)
    assert [f"{LISTED} items of a are counted" in breach.what for breach in findings.breaches] == [True]


def test_what_is_counted_twice_is_too_much() -> None:
    findings = judge_normalisation(looked(shown(2 * LISTED), shown(LISTED)), 0, STOCKS)
    assert len(findings.breaches) == 1


def test_a_gateway_without_the_metric_is_not_judged_by_it() -> None:
    findings = judge_normalisation(looked("other_total 3\n", ""), 0, STOCKS)
    assert (findings.breaches, findings.answers) == ([], 0)


def test_the_record_keeps_the_lines_of_the_storys_providers_alone() -> None:
    (one, _) = looked(shown(3) + shown(4, "foreign") + "other 1\n", "").exchanges
    assert without_others(one, ["a"]).body.decode() == shown(3) + shown(4, "foreign").splitlines()[0] + "\n"
