"""Whole drills on real services, of a gateway written apart from the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault, Traffic
from gatespec.drills.run import HISTORY, Drilling, run_drills
from gatespec.engine.plan import Silence
from gatespec.target import load_target
from gatespec.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from gatespec.target import Target

SERVER = Path(__file__).with_name("little_drilled.py")
BRIEF = Drill(
    name="redis_gone",
    sentence="Redis is gone for two seconds.",
    fault=Fault("redis", ("refusing",), lasts_ms=(2_000, 2_000)),
    claims=EVERY,
    heals_ms=1_500,
    after_ms=2_000,
    traffic=Traffic(steady_ms=2_000),
)


def little(folder: Path, mistake: str) -> Target:
    file = folder / "gateway.toml"
    argv = ["{python}", str(SERVER), mistake]
    file.write_text(f'name = "little"\n[command]\nargv = {argv!r}\ninstances = 2\n', encoding="utf-8")
    return load_target(file)


def drilled(folder: Path, target: Target) -> Judgement:
    (judgement,) = run_drills([BRIEF], Drilling(target, 1, folder, Silence()), "gatespec drill").judgements
    return judgement


@pytest.mark.parametrize(
    ("mistake", "verdict", "reason"),
    [
        ("", Verdict.HOLDS, ""),
        ("fails-without-redis", Verdict.BROKEN, "every read is answered"),
        ("never-recovers", Verdict.BROKEN, "it heals"),
        ("hoards", Verdict.BROKEN, "memory is bounded"),
    ],
)
def test_a_drill_convicts_the_wrong_gateway_and_no_other(
    tmp_path: Path, mistake: str, verdict: Verdict, reason: str
) -> None:
    judgement = drilled(tmp_path, little(tmp_path, mistake))
    assert (judgement.verdict, judgement.reason[: len(reason)]) == (verdict, reason), judgement.reason
    assert (tmp_path / "redis_gone.journal.json").is_file()
    assert (tmp_path / HISTORY).is_file()


def test_what_runs_already_is_untestable(tmp_path: Path) -> None:
    judgement = drilled(tmp_path, load_target("http://127.0.0.1:9"))
    assert judgement.verdict is Verdict.UNTESTABLE
