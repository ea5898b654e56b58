"""The HTTP contract, an operation a test: `pytest contract_tests/ --gatespec-target gateway.toml`.

One run asks for everything; each test is what came of one operation. What nobody could really ask is not passed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.contract.document import load_document
from gatespec.contract.run import ContractPlan, verify_contract
from gatespec.engine.plan import Silence
from gatespec.stack.runtimes import runtime_named
from gatespec.target import load_target
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.verdict import Judgement

CASES = 300


@pytest.fixture(scope="session")
def judged(request: pytest.FixtureRequest) -> Mapping[str, Judgement]:
    """Every operation's judgement, by its id."""
    option = request.config.getoption
    out = Path(option("--gatespec-out")) / "contract"
    out.mkdir(parents=True, exist_ok=True)
    cases, seed = option("--gatespec-examples") or CASES, option("--gatespec-seed") or 0
    target, runtime = load_target(option("--gatespec-target")), runtime_named(option("--runtime"))
    plan = ContractPlan(target, out, "pytest contract_tests/", cases, seed, runtime=runtime)
    return {each.binding: each for each in verify_contract(plan, Silence()).judgements}


@pytest.mark.parametrize("operation", [each.id for each in load_document().operations])
def test_the_operation_is_as_documented(judged: Mapping[str, Judgement], operation: str) -> None:
    found = judged[operation]
    told = "\n".join((*found.failure.story, *found.failure.requests)) if found.failure else found.reason
    assert found.verdict is Verdict.HOLDS, told
