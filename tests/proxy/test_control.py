"""The control port: wrong words are told and change nothing; nothing is left when it ends."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from gatespec.clock import until
from gatespec.errors import GatespecError
from gatespec.proxy.client import ProxyControl
from gatespec.proxy.faults import Fault
from gatespec.proxy.route import Route
from gatespec.stack import born, ports
from gatespec.stack.fault_proxy import FaultProxy

if TYPE_CHECKING:
    from gatespec.proxy.client import Line
    from gatespec.stack.nursery import Nursery
    from gatespec.stack.redis import RedisServer

SOON_MS = 20_000


def said(proxy: FaultProxy, line: bytes) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as held:
        held.sendall(line)
        return dict(json.loads(held.makefile().readline()))


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"word": "dance"}',
        b'{"word": "impose", "name": "nobody", "faults": []}',
        b'{"word": "open", "name": "x", "port": "y", "upstream": "127.0.0.1:1"}',
        b'{"word": "open", "name": "x", "port": 0, "upstream": "nowhere"}',
    ],
)
def test_a_wrong_word_is_told_and_opens_nothing(proxy: FaultProxy, line: bytes) -> None:
    before = said(proxy, b'{"word": "ready"}\n')
    assert said(proxy, line + b"\n")["error"] == "malformed"
    assert said(proxy, b'{"word": "ready"}\n') == before


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "blackhole", "direction": "sideways"},
        {"kind": "latency", "latency_ms": -1},
        {"kind": "latency", "latency_ms": 60_001},
        {"kind": "latency", "latency_ms": "soon"},
    ],
)
def test_a_wrong_fault_changes_nothing(proxy: FaultProxy, redis_line: Line, fault: dict[str, Any]) -> None:
    redis_line.impose(Fault("refuse"))
    word = {"word": "impose", "name": redis_line.name, "faults": [fault]}
    assert said(proxy, json.dumps(word).encode() + b"\n")["error"] == "malformed"
    assert not ports.accepts(int(redis_line.address.rpartition(":")[2]))


def test_the_judge_is_told_what_was_refused(proxy: FaultProxy, redis_line: Line, redis_server: RedisServer) -> None:
    with pytest.raises(GatespecError, match="is open already"):
        proxy.line(redis_line.name, redis_server.address)


def test_a_port_of_somebody_else_is_not_taken(proxy: FaultProxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        word = {"word": "open", "name": "late", "port": taken.getsockname()[1], "upstream": "127.0.0.1:1"}
        assert said(proxy, json.dumps(word).encode() + b"\n")["error"] == "port-taken"


def test_a_server_that_is_not_there_turns_its_clients_away(proxy: FaultProxy) -> None:
    line = proxy.line("nobody-behind", f"127.0.0.1:{ports.free_port()}")
    with socket.create_connection(("127.0.0.1", int(line.address.rpartition(":")[2])), timeout=10) as held:
        assert held.recv(1) == b""
    assert line.evidence().turned_away == 1


async def test_there_are_never_more_connections_than_it_can_hold(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatespec.proxy.route.CONNECTIONS_MAX", 1)
    port = ports.free_port()
    route = Route(port, ("127.0.0.1", redis_server.port))
    await route.open()
    _, first = await asyncio.open_connection("127.0.0.1", port)
    reads, second = await asyncio.open_connection("127.0.0.1", port)
    assert await reads.read() == b""
    assert (route.evidence().turned_away, route.evidence().live) == (1, 1)
    first.close()
    second.close()
    await route.close()


def test_it_leaves_neither_process_nor_port(nursery_of_its_own: Nursery, redis_server: RedisServer) -> None:
    proxy = FaultProxy(nursery_of_its_own, "proxy")
    proxy.start()
    proxy.ready()
    line = proxy.line("redis", redis_server.address)
    taken = (proxy.port, int(line.address.rpartition(":")[2]))
    process = psutil.Process(proxy.pid)
    assert all(map(ports.accepts, taken))
    proxy.stop()
    assert not born.is_alive(process)
    assert not any(map(ports.is_taken, taken))


def test_a_proxy_that_died_is_an_error_and_no_silence(nursery_of_its_own: Nursery, redis_server: RedisServer) -> None:
    proxy = FaultProxy(nursery_of_its_own, "proxy")
    proxy.start()
    proxy.ready()
    line = proxy.line("redis", redis_server.address)
    proxy.kill()
    with pytest.raises(GatespecError, match="does not answer"):
        line.evidence()
    proxy.stop()
    with closing(ProxyControl(proxy.port)) as control:
        assert until(lambda: not control.ready(), at_most_ms=SOON_MS)
