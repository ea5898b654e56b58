"""Nothing outlives its judge, however the judge ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from gatespec.cli.down import down
from gatespec.clock import MonotonicClock, until
from gatespec.errors import GatespecError
from gatespec.stack import born, ports, state
from gatespec.stack.environment import base_environment, judge_environment
from gatespec.stack.nursery import Nursery
from gatespec.stack.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SOON_MS = 20_000
"""For what takes a tenth of a second on a quiet machine."""
RUNAWAY = "import os, signal; os.fork() and os._exit(0); os.setsid(); print('up', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
SLEEPER = "import signal; print('up', flush=True); signal.pause()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"


def python(name: str, script: str, folder: Path) -> Command:
    return Command(name, (sys.executable, "-c", script), folder, base_environment())


def wrote(log: Path) -> bool:
    return log.exists() and log.stat().st_size > 0


def test_the_judges_own_processes_find_its_docker_daemon_and_what_is_judged_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")
    assert judge_environment()["DOCKER_HOST"] == "unix:///somewhere.sock"
    assert "DOCKER_HOST" not in base_environment()


def test_a_closed_nursery_leaves_no_process_no_folder_and_no_state_file(state_folder: Path, tmp_path: Path) -> None:
    with Nursery("tests", tmp_path) as nursery:
        child = nursery.launch(python("parent", PARENT, tmp_path))
        assert until(lambda: wrote(child.log), at_most_ms=SOON_MS)
        family = born.tree(child.born)
        assert len(family) == 2
        assert len(list(state_folder.glob("*.json"))) == 1
    assert not any(map(born.is_alive, family))
    assert not nursery.folder.exists()
    assert list(state_folder.iterdir()) == []
    assert not psutil.pid_exists(nursery.reaper_pid)


def test_a_daemon_that_left_its_session_ends_too(state_folder: Path, tmp_path: Path) -> None:
    with Nursery("tests", tmp_path) as nursery:
        child = nursery.launch(python("runaway", RUNAWAY, tmp_path))
        assert until(lambda: wrote(child.log) and not child.alive, at_most_ms=SOON_MS)
        daemons = born.marked(nursery.id)
        assert len(daemons) == 1
    assert until(lambda: not any(map(born.is_alive, daemons)), at_most_ms=SOON_MS)
    assert list(state_folder.iterdir()) == []


def test_a_crash_between_two_starts_leaves_nothing(state_folder: Path, tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), Nursery("tests", tmp_path) as nursery:
        child = nursery.launch(python("sleeper", SLEEPER, tmp_path))
        raise ZeroDivisionError
    assert not child.alive
    assert not nursery.folder.exists()
    assert list(state_folder.iterdir()) == []


def test_a_log_holds_one_run_and_all_of_it(state_folder: Path, tmp_path: Path) -> None:
    for run in ("first", "second"):
        with Nursery("tests", tmp_path) as nursery:
            for life in ("a", "b"):
                nursery.run(python("gateway", f"print('{run} {life}')", tmp_path), at_most_s=60)
    assert (tmp_path / "gateway.log").read_text() == "second a\nsecond b\n"
    assert list(state_folder.iterdir()) == []


def test_a_child_that_ignores_its_stop_signal_is_killed_when_its_grace_is_over(nursery: Nursery) -> None:
    child = nursery.launch(python("stubborn", STUBBORN, nursery.folder))
    assert until(lambda: wrote(child.log), at_most_ms=SOON_MS)
    begun = MonotonicClock().now_ms()
    nursery.end([child], grace_ms=300)
    assert child.exit_code == -signal.SIGKILL
    assert 300 <= MonotonicClock().now_ms() - begun < SOON_MS


def test_a_paused_child_still_ends_in_good_order(nursery: Nursery) -> None:
    child = nursery.launch(python("sleeper", SLEEPER, nursery.folder))
    assert until(lambda: wrote(child.log), at_most_ms=SOON_MS)
    child.pause()
    assert psutil.Process(child.born.pid).status() == psutil.STATUS_STOPPED
    nursery.end([child])
    assert child.exit_code == -signal.SIGTERM


def test_pausing_and_killing_reach_the_children_of_a_child(nursery: Nursery) -> None:
    child = nursery.launch(python("parent", PARENT, nursery.folder))
    assert until(lambda: wrote(child.log), at_most_ms=SOON_MS)
    family = born.tree(child.born)
    child.pause()
    assert [process.status() for process in family] == [psutil.STATUS_STOPPED] * 2
    child.resume()
    assert psutil.STATUS_STOPPED not in [process.status() for process in family]
    child.kill()
    assert not any(map(born.is_alive, family))


def test_what_a_dead_child_left_in_its_session_is_ended_with_it(nursery: Nursery) -> None:
    orphaning = "import os, signal; os.fork() and os._exit(0); print('up', flush=True); signal.pause()"
    child = nursery.launch(python("orphaning", orphaning, nursery.folder))
    assert until(lambda: wrote(child.log) and not child.alive, at_most_ms=SOON_MS)
    (orphan,) = born.marked(nursery.id)
    nursery.end([child])
    assert not born.is_alive(orphan)


def test_a_failing_command_shows_the_end_of_its_log(nursery: Nursery) -> None:
    with pytest.raises(GatespecError) as failed:
        nursery.run(python("migrate", "import sys; sys.exit('no such table')", nursery.folder), at_most_s=20)
    assert failed.value.code == "command-failed"
    assert "exit code 1" in failed.value.message
    assert "no such table" in failed.value.tried


def test_a_command_that_takes_too_long_is_ended(nursery: Nursery) -> None:
    with pytest.raises(GatespecError, match=r"did not end within 0\.5 s"):
        nursery.run(python("stubborn", STUBBORN, nursery.folder), at_most_s=0.5)
    assert born.marked(nursery.id) == []


def test_a_command_that_cannot_start_says_what_to_look_at(nursery: Nursery) -> None:
    with pytest.raises(GatespecError) as failed:
        nursery.launch(Command("gateway", ("./no-such-gateway",), nursery.folder, base_environment()))
    assert failed.value.code == "command-not-started"
    assert "no-such-gateway" in failed.value.tried


def test_a_folder_without_the_runs_mark_is_never_deleted(state_folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    state.forget(state.new("0123456789abcdef", "verify", precious))
    assert precious.is_dir()
    (precious / state.FOLDER_MARK).write_text("another run", encoding="utf-8")
    state.forget(state.new("0123456789abcdef", "verify", precious))
    assert precious.is_dir()
    assert state_folder.is_dir()


@dataclass(frozen=True)
class Harness:
    """A judge in a process of its own, and what stands because of it."""

    popen: subprocess.Popen[bytes]
    reaper: int
    ports: list[int]
    folder: Path
    run: str

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(SOON_MS / 1000)

    def left(self) -> set[psutil.Process]:
        noted = {process for run in state.runs() for process in run.processes()}
        return noted | set(born.marked(self.run))

    def is_gone(self) -> bool:
        return not self.left() and not self.folder.exists() and not any(map(ports.is_taken, self.ports))


@pytest.fixture
def harness(state_folder: Path, tmp_path: Path) -> Iterator[Harness]:
    assert not state_folder.exists()
    argv = [sys.executable, str(HERE / "harness.py"), str(tmp_path / "logs")]
    popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with popen:
        assert popen.stdout
        about = json.loads(popen.stdout.readline())
        yield Harness(popen, about["reaper"], about["ports"], Path(about["folder"]), about["run"])
        popen.kill()
    down()


def test_when_the_harness_is_killed_its_reaper_ends_all_that_it_started(harness: Harness) -> None:
    assert len(harness.left()) >= 8  # two servers with PostgreSQL's own children, the stubborn one, the runaway
    assert all(map(ports.is_taken, harness.ports))
    harness.kill()
    assert until(harness.is_gone, at_most_ms=SOON_MS)
    assert until(lambda: not psutil.pid_exists(harness.reaper), at_most_ms=SOON_MS)
    assert state.runs() == []


def test_when_the_reaper_is_killed_too_down_ends_what_is_left_and_nothing_else(
    harness: Harness, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.DEVNULL)
    os.kill(harness.reaper, signal.SIGKILL)
    harness.kill()
    assert len(harness.left()) >= 8
    down()
    assert harness.is_gone()
    assert state.runs() == []
    assert "processes that `verify` of process" in capsys.readouterr().out
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait(SOON_MS / 1000)
    assert (tmp_path / "logs" / "redis.log").exists()


def test_down_leaves_a_judgement_alone_that_is_still_going_on(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    before = harness.left()
    down()
    assert "left alone" in capsys.readouterr().out
    assert before <= harness.left()
