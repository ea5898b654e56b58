"""What a plan comes to: which cases, in which order, and who can be judged beside whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.engine.docket import choose, docket, in_order, not_asked_for, shares
from gatespec.engine.plan import VerifyPlan
from gatespec.errors import Exit, GatespecError
from gatespec.target import load_target
from gatespec.verdict import Verdict
from tests.engine.test_whole_runs import target

if TYPE_CHECKING:
    from gatespec.engine.docket import Case

REFERENCE = load_target(Path(__file__).parents[2] / "reference_gateway" / "gateway.toml")


def cases(**asked: Any) -> list[Case]:  # noqa: ANN401 - the plan's own
    plan = VerifyPlan(REFERENCE, Path(), "", **asked)
    return docket(plan, choose(plan))


def named(case: Case) -> str:
    return f"{case.row.id} {case.tier} {case.binding}"


def test_in_process_comes_first_and_a_cluster_is_a_case_of_its_own() -> None:
    assert [named(case) for case in cases(only=("P08", "P03"))] == [
        "P08 component pure",
        "P08 component redis",
        "P03 component pure",
        "P03 component redis",
        "P08 wire http",
        "P03 wire http",
        "P03 wire cluster",
    ]
    assert [named(case) for case in cases(only=("P03",), tiers=("real-time",))] == ["P03 real-time http"]


def test_what_is_judged_on_a_cluster_tells_twenty_stories_there() -> None:
    on_cluster = cases(tiers=("wire",), binding="cluster")
    assert {case.row.id for case in on_cluster} >= {"P01", "P03", "P06"}
    assert all(case.chapter.drawn(case.tier, case.binding) >= 20 for case in on_cluster)


def test_a_binding_that_nothing_is_judged_on_is_a_usage_error() -> None:
    assert [named(case) for case in cases(only=("P03",), binding="pure")] == ["P03 component pure"]
    with pytest.raises(GatespecError, match="--binding cluster") as told:
        cases(only=("P08",), binding="cluster")
    assert told.value.exit_code is Exit.USAGE


def test_a_claim_holds_its_own_properties_alone() -> None:
    everything = cases()
    assert [named(case) for case in cases(claim="core")] == [
        named(case) for case in everything if case.row.profile == "core"
    ]


def test_a_claim_of_which_nothing_is_judged_is_a_usage_error() -> None:
    with pytest.raises(GatespecError, match="no property of it is judged among P08") as told:
        cases(claim="internal", only=("P08",))
    assert told.value.exit_code is Exit.USAGE


def test_one_lane_is_one_share_and_in_process_each_stands_alone() -> None:
    found = [[named(case) for case in share] for share in shares(cases(only=("P03", "P08")))]
    assert ["P03 wire http", "P08 wire http"] in found
    assert ["P03 wire cluster"] in found
    assert ["P03 component pure"] in found
    assert sum(map(len, found)) == 7


def test_whoever_waits_the_longest_is_judged_first() -> None:
    first, *_ = (share for share in shares(cases()) if not share[0].in_process)
    assert named(first[0]) == "P01 wire cluster"


def test_judgements_stand_in_the_order_of_the_docket() -> None:
    asked = cases(only=("P03", "P08"))
    judged = [case.unjudged(Verdict.NOT_RUN, "") for case in reversed(asked)]
    assert [f"{j.property_id} {j.tier} {j.binding}" for j in in_order(asked, judged)] == [named(c) for c in asked]


def test_in_process_alone_is_told_to_be_no_verdict(tmp_path: Path) -> None:
    plan = VerifyPlan(target(tmp_path), tmp_path, "", only=("P08",), tiers=("component",))
    (missing,) = not_asked_for(plan, choose(plan))
    assert (missing.tier, missing.verdict) == ("wire", Verdict.NOT_RUN)
