"""`pytest properties/` says what `gatespec verify` says: one test of each property, tier and binding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAKES_S = 120
WRONG = f"""
name = "one that never refuses"
component_driver = "tests.engine.test_judging:Generous"
python_path = [{str(ROOT)!r}]
[url]
instances = ["http://127.0.0.1:1"]
"""


def judged(tmp_path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    chapter = ("properties/p08_sliding_window.py", "--gatespec-tier", "component", "--gatespec-examples", "5")
    out = ("--gatespec-out", str(tmp_path), "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *chapter, *out, *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TAKES_S,
        check=False,
    )


def test_what_holds_passes_on_each_binding(tmp_path: Path) -> None:
    done = judged(tmp_path, "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "P08[component-pure] PASSED" in done.stdout
    assert "P08[component-redis] PASSED" in done.stdout


def test_what_is_broken_fails_with_its_story(tmp_path: Path) -> None:
    target = tmp_path / "gateway.toml"
    target.write_text(WRONG)
    done = judged(tmp_path, "--gatespec-target", str(target), "-k", "pure")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "P08 Sliding window: broken" in done.stdout
    assert "reproduced 5/5; tell it again with" in done.stdout
