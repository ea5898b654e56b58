"""`python -m gatespec.providers` as a process: its words, its port, its end."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock, until
from gatespec.errors import GatespecError
from gatespec.providers import __main__ as command
from gatespec.providers.__main__ import main, provider_names
from gatespec.providers.control_client import ProvidersControl
from gatespec.providers.script import Fault, Script
from tests.providers.simulated_wire import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = MonotonicClock()
START_S = 20.0
AT_ONCE_MS = 5000
"""Far above what ending takes on a busy machine (some 200 ms), far below what a hanging call would hold it."""


@contextmanager
def simulators(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    argv = [sys.executable, "-m", "gatespec.providers", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], START_S)[0]
            yield process, json.loads(process.stdout.readline())["listening"]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_well_though_a_call_hangs(number: signal.Signals) -> None:
    with simulators("--providers", "lambda") as (process, url):
        control, provider = ProvidersControl(url), Provider(url, "lambda")
        control.script("lambda", Script(faults=[Fault(kind="hang")]))
        with provider.connect() as held:
            provider.send(held)
            assert until(lambda: len(control.ledger("lambda")) == 1, at_most_ms=AT_ONCE_MS)
            told = CLOCK.now_ms()
            process.send_signal(number)
            assert process.wait(START_S) == 0
            assert CLOCK.now_ms() - told < AT_ONCE_MS
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_it_begins_on_the_day_and_with_the_prices_named() -> None:
    with simulators("--pool", "lambda:2", "--series", "runpod/secure", "--day", "2026-08-01") as (_, url):
        prices = ProvidersControl(url).prices("lambda-001")
    assert (prices.series, prices.day, prices.days_left) == ("runpod/secure", "2026-08-01", 21)


def test_there_are_never_more_than_can_be_served() -> None:
    with simulators("--pool", "all:9999", "--pool", "others:9999", "--providers", "one") as (_, url):
        control = ProvidersControl(url)
        control.enlist(["one-more"])
        with pytest.raises(GatespecError, match="at most 20000"):
            control.enlist(["one-too-many"])
        control.enlist(["one-more", "all-000"])


def test_a_port_in_use_is_one_error(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--providers", "lambda", "--listen", f"127.0.0.1:{port}"]) == 3
    assert capsys.readouterr().err.startswith(
        f"error[port-in-use]: the simulated providers cannot listen at 127.0.0.1:{port}"
    )


def serves_nothing(*_: object) -> None:
    pytest.fail("it would have served, for ever")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "providers-count"),
        (["--pool", "a:9999", "--pool", "b:9999", "--pool", "c:9999"], "providers-count"),
        (["--pool", "lambda"], "pool-malformed"),
        (["--pool", "vast:3:fluidstack"], "pool-malformed"),
        (["--pool", "vast:3:"], "pool-malformed"),
        (["--pool", "vast:3:vastai:2"], "pool-malformed"),
        (["--providers", "Lambda"], "provider-malformed"),
        (["--providers", "_control"], "provider-malformed"),
        (["--providers", "a/b"], "provider-malformed"),
        (["--providers", "a", "--listen", "0.0.0.0:0"], "listen-malformed"),
        (["--providers", "a", "--listen", "127.0.0.1"], "listen-malformed"),
        (["--providers", "a", "--listen", "127.0.0.1:99999"], "listen-malformed"),
        (["--providers", "a", "--day", "1999-01-01"], "prices-unknown"),
        (["--providers", "a", "--series", "nobody/spot"], "prices-unknown"),
    ],
)
def test_a_wrong_word_is_one_error_and_exit_code_2(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "run", serves_nothing)
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error[{code}]: ")


def test_pools_and_lists_make_names_and_none_twice() -> None:
    assert list(provider_names("lambda,lambda-001,lambda", ["lambda:3"])) == [
        "lambda",
        "lambda-001",
        "lambda-000",
        "lambda-002",
    ]
    assert list(provider_names("", ["p:200"]))[-1] == "p-199"


def test_names_and_pools_say_whose_api_is_spoken() -> None:
    assert provider_names("verda,mine", ["v:2:vastai", "runpod:1:runpod", "runpod:2"]) == {
        "verda": "verda",
        "mine": "lambda",
        "v-000": "vastai",
        "v-001": "vastai",
        "runpod-000": "lambda",
        "runpod-001": "lambda",
    }


def test_a_pool_speaks_its_api_on_the_prices_of_its_own_series() -> None:
    with simulators("--pool", "v:2:vultr", "--providers", "hyperstack,lambda") as (_, url):
        control = ProvidersControl(url)
        series = {name: control.prices(name).series for name in ("v-001", "hyperstack", "lambda")}
        listed = Provider(url, "v-001").get("/v2/plans?type=all&per_page=500", authorization=None)
    assert series == {"v-001": "vultr/on-demand", "hyperstack": "hyperstack/on-demand", "lambda": "lambda/on-demand"}
    assert (listed.status, set(json.loads(listed.body))) == (200, {"plans", "meta"})
