"""P19 finds each leak of a gateway that nobody here judges by, and none in the same gateway without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock
from gatespec.drivers.http_reads import HttpReadGateway
from gatespec.engine.backstage import people
from gatespec.engine.chapter import Needs, load_chapters
from gatespec.engine.plan import Silence, VerifyPlan
from gatespec.engine.play import bind
from gatespec.engine.rejudge import rejudge
from gatespec.engine.run import verify
from gatespec.engine.stage import Stage
from gatespec.engine.story import tell
from gatespec.history import Context
from gatespec.secrecy.canaries import Canary
from gatespec.secrecy.search import Searcher
from gatespec.stack.lane import Stack
from gatespec.target import load_target
from gatespec.verdict import Verdict
from tests.mutants.p19_leaks import ECHO, MISPLACED, MUTANTS, READS, REPEATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.engine.tally import Broken, Step
    from gatespec.target import Target
    from tests.mutants.p19_leaks import Leak

SERVER = Path(__file__).with_name("leaky_server.py")
SETTINGS = {"GATEWAY_TTL_PRICING_S": "0.2"}
EVERY: tuple[Step, ...] = (*READS, *ECHO, *MISPLACED, *REPEATED)


def target(folder: Path, leak: str) -> Target:
    argv = ["{python}", str(SERVER), leak]
    (folder / "gateway.toml").write_text(
        f'name = "leaky"\nclaims = ["core"]\nadapters = ["lambda"]\n[command]\nargv = {argv!r}\ninstances = 2\n'
    )
    return load_target(folder / "gateway.toml")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack.start(tmp_path_factory.mktemp("out"), providers=["lambda"]) as running:
        yield running


def told(stack: Stack, folder: Path, leak: str, story: tuple[Step, ...]) -> Broken | None:
    with stack.lane(target(folder, leak), settings=SETTINGS, needs=Needs(providers=8)) as lane:
        gateway = HttpReadGateway(lane, people(lane))
        try:
            context = Context("P19", "wire", "http", gateway.instances, lane.settings)
            stage = Stage(load_chapters()["P19"], gateway, context, MonotonicClock())
            return tell(bind(stage), (("providers_arrive", {}), *story))
        finally:
            gateway.close()


def test_a_gateway_that_leaks_nothing_is_not_convicted(stack: Stack, tmp_path: Path) -> None:
    assert told(stack, tmp_path, "", EVERY) is None


@pytest.mark.parametrize("leak", MUTANTS)
def test_a_leak_is_found_where_it_is(stack: Stack, tmp_path: Path, leak: type[Leak]) -> None:
    broken = told(stack, tmp_path, leak.mistake, leak.story)
    assert broken is not None
    assert f"lies in {leak.sink}" in broken.breach.what
    assert f"written as {leak.encoding}" in broken.breach.what


def test_what_another_propertys_run_leaves_behind_breaks_it_and_is_judged_again(tmp_path: Path) -> None:
    """And nothing that the judge writes down holds a secret itself."""
    plan = VerifyPlan(
        target(tmp_path, "log-line"), tmp_path / "out", "gatespec verify", only=("P11",), tiers=("wire",), examples=1
    )
    run = verify(plan, Silence())
    leaked = {j.property_id: j for j in run.judgements}["P19"]
    assert leaked.verdict is Verdict.BROKEN
    assert leaked.failure is not None
    assert "lies in logs" in leaked.failure.breach
    again = {j.property_id: j.verdict for j in rejudge(tmp_path / "out" / "history.jsonl")}
    assert again["P19"] is Verdict.BROKEN
    log = next((tmp_path / "out" / "logs").glob("gateway-*-1.log")).read_text()
    said = json.loads(log.splitlines()[1])["headers"]["Authorization"].removeprefix("Bearer ")
    written = (tmp_path / "out" / "history.jsonl").read_bytes() + json.dumps(run.as_json(), default=str).encode()
    assert Searcher([Canary("provider-credential", said)]).find(written) == []
