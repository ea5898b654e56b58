"""A tiny run of the real thing: gateway, Redis, PostgreSQL, simulators, baselines and k6."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.stampede import Stampede, checked
from gatespec.clock import until
from gatespec.errors import GatespecError

CHECKOUT = Path(__file__).resolve().parents[2]
RUN_S = 120
"""On a quiet machine 20."""
BEGIN_MS = 60_000
END_S = 30
HEARS_CTRL_C = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "runpy.run_module('benchmarks', run_name='__main__', alter_sys=True)"
)
"""A shell's background job is born deaf to Ctrl-C, and so is what it starts: these tests may well run in one."""
TINY = ("--only", "not-modified,memory", "--rounds", "1", "--seconds", "1")


def argv(out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", "--out", str(out), *words]


def test_a_tiny_run_equates_and_compares(tmp_path: Path) -> None:
    ran = subprocess.run(
        argv(tmp_path, *TINY), cwd=CHECKOUT, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    report: dict[str, Any] = json.loads((tmp_path / "bench.json").read_text())
    log = (tmp_path / "logs" / "gateway-0-1.log").read_text()
    assert report["equated"]["requests"] == log.count('"route":"/api/v2/providers"') > 0
    assert report["equated"]["caches"]["miss"] == report["equated"]["provider_calls"] == 1
    assert [each["contender"] for each in report["rounds"]] == ["gateway", "bare granian", "Django-Ninja"]
    assert all(each["load"]["statuses"]["304"] > each["load"]["statuses"]["200"] > 0 for each in report["rounds"])
    assert all(each["cpu_s"] > 0 for each in report["rounds"])
    assert all(each["idle"]["rss"] > 0 < each["loaded"]["rss"] for each in report["memory"])


def test_a_stampede_is_measured_where_it_costs_one_call(tmp_path: Path) -> None:
    words = argv(tmp_path, "--only", "stampede", "--rounds", "1")
    ran = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert ran.returncode == 0, ran.stderr
    report: dict[str, Any] = json.loads((tmp_path / "bench.json").read_text())
    met = [(each["key"], each["readers"], each["instances"], each["calls"]) for each in report["stampedes"]]
    assert met == [("missing", 200, 4, 1), ("expired", 200, 4, 1)]


@pytest.mark.parametrize("calls", [0, 2])
def test_a_stampede_that_cost_another_number_of_calls_is_no_number(calls: int) -> None:
    with pytest.raises(GatespecError, match=f"met one expired key, and {calls} calls came"):
        checked(Stampede("expired", 200, 4, calls, 0, 1, 1))


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HEARS_CTRL_C, "--out", str(tmp_path), "--only", "one", "--seconds", "60"]
    progress = tmp_path / "progress"
    with progress.open("w") as said, subprocess.Popen(words, cwd=CHECKOUT, stdout=said, stderr=said) as bench:
        us = psutil.Process(bench.pid)
        loading = until(lambda: any(child.name() == "k6" for child in us.children()), at_most_ms=BEGIN_MS)
        assert loading, progress.read_text()
        children = us.children(recursive=True)
        bench.send_signal(signal.SIGINT)
        try:
            assert bench.wait(END_S) == 130
        finally:
            bench.kill()  # or leaving this block would wait for all its rounds
    assert [child for child in children if child.is_running()] == []
    assert not (tmp_path / "bench.json").exists()
