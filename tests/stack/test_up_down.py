"""`gatespec up`, `down` and `doctor`, as a person in a terminal meets them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from gatespec.cli.down import down
from gatespec.clock import until
from gatespec.providers.control_client import ProvidersControl
from gatespec.stack import born, ports, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAND_IN = Path(__file__).parent / "gateway.toml"
SOON_S = 60
"""For what takes three seconds on a quiet machine."""
READY = "Ctrl-C ends it all"


class Terminal:
    """A running `gatespec up` and what it printed so far."""

    def __init__(self, *options: str) -> None:
        argv = [sys.executable, "-m", "gatespec", "up", *options]
        self.popen = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: list[str] = []

    def read_until(self, words: str) -> None:
        """Read on until a line has these words; the process ends or dies with its own bounds."""
        assert self.popen.stdout
        for line in self.popen.stdout:
            self.lines.append(line.rstrip())
            if words in line:
                return
        pytest.fail(f"never said {words!r}:\n" + "\n".join(self.lines))

    def end(self, number: int | None = None) -> int:
        """Signal it if asked to, read the rest, and return its exit code."""
        if number is not None:
            self.popen.send_signal(number)
        rest, _ = self.popen.communicate(timeout=SOON_S)
        self.lines += rest.splitlines()
        return self.popen.returncode


@pytest.fixture
def first_port() -> int:
    return ports.free_port()


@pytest.fixture
def up(state_folder: Path, tmp_path: Path, first_port: int) -> Iterator[Callable[..., Terminal]]:
    started = []
    common = ("--port", str(first_port), "--instances", "1", "--out", str(tmp_path / "out"))

    def start(*options: str, target: str = str(STAND_IN)) -> Terminal:
        started.append(Terminal("--target", target, *common, *options))
        return started[-1]

    yield start
    for terminal in started:
        terminal.end(signal.SIGKILL)
    down()
    assert list(state_folder.glob("*.json")) == []


def asked(line: str) -> urllib.request.Request:
    """The request that a printed curl line makes."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-sS"]
    headers = [word.split(": ", 1) for before, word in pairwise(words) if before == "-H"]
    data = next((word.encode() for before, word in pairwise(words) if before == "-d"), None)
    return urllib.request.Request(words[-1], data, headers=dict(headers))  # noqa: S310 - servers of our own


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_prints_requests_that_work_and_ends_with_a_signal(
    up: Callable[..., Terminal], first_port: int, tmp_path: Path, number: int
) -> None:
    terminal = up()
    terminal.read_until(READY)
    curls = [line.strip() for line in terminal.lines if line.strip().startswith("curl")]
    assert len(curls) == 4
    assert "X-API-Key: key-0" in curls[0]
    for line in curls:
        with urllib.request.urlopen(asked(line), timeout=10) as answer:  # noqa: S310 - as above
            assert answer.status == 200
    change = asked(curls[3])
    ((machine, usd),) = json.loads(cast("bytes", change.data))["usd"].items()
    assert ProvidersControl(f"http://{change.host}").prices("lambda").usd[machine] == usd
    (run,) = state.runs()
    assert run.purpose == "up"
    assert terminal.end(number) == 0
    assert terminal.lines[-1].startswith("ended; the logs are in")
    assert born.marked(run.id) == []
    assert not run.folder.exists()
    assert not ports.is_taken(first_port)
    assert (tmp_path / "out/logs/redis.log").stat().st_size > 0


def test_a_signal_while_it_starts_leaves_nothing(up: Callable[..., Terminal]) -> None:
    terminal = up()
    terminal.read_until("starting postgres")
    (run,) = state.runs()
    assert terminal.end(signal.SIGINT) == 0
    assert born.marked(run.id) == []
    assert state.runs() == []
    assert not run.folder.exists()


def test_down_ends_an_up_that_still_runs(
    up: Callable[..., Terminal], first_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = up()
    terminal.read_until(READY)
    assert ports.is_taken(first_port)
    down()
    assert "ended: `up` of process" in capsys.readouterr().out
    assert terminal.end() == 0
    assert not ports.is_taken(first_port)
    assert state.runs() == []


@pytest.mark.usefixtures("state_folder")
def test_down_with_nothing_up_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    down()
    assert capsys.readouterr().out == "nothing is up\n"


def test_a_taken_port_is_refused_before_anything_starts(up: Callable[..., Terminal], first_port: int) -> None:
    with closing(socket.create_server(("127.0.0.1", first_port))):
        terminal = up()
        assert terminal.end() == 2
    assert terminal.lines[0].startswith(f"error[port-in-use]: port {first_port} on 127.0.0.1 is in use by")
    assert f"(pid {os.getpid()})" in terminal.lines[0]
    assert state.runs() == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            ("--port", "65535", "--instances", "2"),
            "error[port-invalid]: --port 65535: 2 instances need ports up to 65536",
        ),
        (("--out", "/dev/null/out"), "error[out-unwritable]: --out /dev/null/out: Not a directory"),
        (("--out", ""), "error[out-unwritable]: --out is empty"),
        (("--target", ""), "error[target-unreadable]: the name of the target file is empty"),
    ],
)
def test_what_cannot_be_asked_of_up_is_one_usage_error(
    up: Callable[..., Terminal], options: tuple[str, ...], error: str
) -> None:
    terminal = up(*options)
    assert terminal.end() == 2
    assert terminal.lines[0] == error


def test_a_gateway_that_dies_ends_up_with_its_log(up: Callable[..., Terminal], first_port: int) -> None:
    terminal = up()
    terminal.read_until(READY)
    (gateway,) = [each for run in state.runs() for each in run.started if each.port == first_port]
    os.kill(gateway.born.pid, signal.SIGKILL)
    assert terminal.end() == 3
    assert any(line.startswith("error[target-dead]: gateway-0-1 died by SIGKILL") for line in terminal.lines)
    assert until(lambda: state.runs() == [], at_most_ms=SOON_S * 1000)


def test_a_gateway_that_runs_already_is_not_started(up: Callable[..., Terminal]) -> None:
    terminal = up(target="http://127.0.0.1:1")
    assert terminal.end() == 2
    assert terminal.lines[0].startswith("error[target-running]")


def doctor(**env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gatespec", "doctor"]
    return subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, timeout=SOON_S, check=False)


def test_doctor_shows_what_would_be_used_and_why() -> None:
    seen = doctor(COLUMNS="200")
    assert seen.returncode == 0
    for words in ("CPython", "Redis API", "PostgreSQL", "from the wheel", "nothing is missing"):
        assert words in seen.stdout


def test_doctor_keeps_paths_whole_where_no_terminal_sets_a_width() -> None:
    assert f"│ {sys.executable} " in doctor().stdout


def test_doctor_tells_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    seen = doctor(COLUMNS="200", GATESPEC_REDIS_SERVER=str(tmp_path / "absent"))
    assert seen.returncode == 3
    assert "error[server-missing]: there is no Redis API server to start" in seen.stdout
    assert "hint   unset GATESPEC_REDIS_SERVER" in seen.stdout
