"""Each mistake of a gateway is found by the check that is for it, and the same gateway without one passes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.contract.run import MANY, ContractPlan, Session
from gatespec.engine.plan import Silence
from gatespec.stack.lane import Stack
from gatespec.suites import spec_dir
from gatespec.target import load_target
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.verdict import Judgement

SERVER = Path(__file__).with_name("key_server.py")
OPERATIONS = frozenset({"listApiKeys", "createApiKey", "deleteApiKey"})
ROLES = frozenset({"anonymous", "user-pro", "service"})
MISTAKES = {
    "undocumented-status": "status_code_conformance",
    "missing-header": "trace_id",
    "wrong-content-type": "content_type_conformance",
    "auth-not-enforced": "authorisation",
    "unknown-field-accepted": "unknown_field",
    "500-on-a-null": "null_field",
    "trace-not-kept": "trace_id",
    "problem-without-code": "problem_form",
    "not-in-its-document": "own_document",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack.start(tmp_path_factory.mktemp("out"), providers=["lambda"]) as running:
        yield running


def judged(stack: Stack, folder: Path, mistake: str) -> list[Judgement]:
    argv = ["{python}", str(SERVER), mistake, str(spec_dir() / "errors.toml")]
    (folder / "gateway.toml").write_text(
        f'name = "keys"\nclaims = ["core"]\nadapters = ["lambda"]\n[command]\nargv = {argv!r}\ninstances = 1\n'
    )
    target = load_target(folder / "gateway.toml")
    with stack.lane(target, settings=MANY) as lane:
        plan = ContractPlan(target, folder, "gatespec contract verify", 1, only=OPERATIONS, roles=ROLES)
        return Session(plan, Silence(), lane).judge()


def test_a_gateway_that_is_as_documented_passes(stack: Stack, tmp_path: Path) -> None:
    found = judged(stack, tmp_path, "")
    assert {each.binding for each in found} == OPERATIONS
    assert {each.verdict for each in found} <= {Verdict.HOLDS}, [each.failure or each.reason for each in found]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_by_its_check(stack: Stack, tmp_path: Path, mistake: str) -> None:
    broken = [each for each in judged(stack, tmp_path, mistake) if each.verdict is Verdict.BROKEN]
    assert broken
    said = [sentence for each in broken if each.failure for sentence in each.failure.story]
    assert any(sentence.startswith(MISTAKES[mistake]) for sentence in said), said
