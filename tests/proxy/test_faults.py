"""Every fault as a real client of a real server meets it: on connections that stand, and on new ones."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
import redis

from gatespec.clock import MonotonicClock, until
from gatespec.proxy.faults import Fault
from gatespec.stack import ports
from tests.proxy.conftest import client

if TYPE_CHECKING:
    from gatespec.proxy.client import Line
    from gatespec.stack.postgres import PostgresServer

SOON_MS = 10_000
UNHEARD_S = 1.0
"""How long a client waits for what must not come, and at most for what must."""
LATENCY_MS = 250
CLOCK = MonotonicClock()


def test_nothing_is_changed_while_all_is_well(through: redis.Redis, redis_line: Line) -> None:
    large = b"x" * 3_000_000
    through.set("large", large)
    assert through.get("large") == large
    through.delete("large")
    seen = redis_line.evidence()
    assert (seen.made, seen.ended, seen.live, len(seen.talking)) == (1, 0, 1, 1)
    assert seen.passed_up > len(large)
    assert seen.passed_down > len(large)
    assert (seen.swallowed_up, seen.swallowed_down) == (0, 0)


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_live_connection_ends(kind: str, through: redis.Redis, redis_line: Line) -> None:
    redis_line.impose(Fault(kind))  # type: ignore[arg-type] # one of two
    seen = redis_line.evidence()
    assert (seen.ended, seen.live) == (1, 0)
    with pytest.raises(redis.ConnectionError):
        through.ping()


def test_a_reset_is_seen_as_one(redis_line: Line) -> None:
    with closing(socket.create_connection(("127.0.0.1", port(redis_line)), timeout=SOON_MS / 1000)) as held:
        assert until(lambda: redis_line.evidence().live == 1, at_most_ms=SOON_MS)
        redis_line.impose(Fault("reset"))
        with pytest.raises(ConnectionResetError):
            held.recv(1)


def test_a_cut_is_an_end_in_good_order(redis_line: Line) -> None:
    with closing(socket.create_connection(("127.0.0.1", port(redis_line)), timeout=SOON_MS / 1000)) as held:
        assert until(lambda: redis_line.evidence().live == 1, at_most_ms=SOON_MS)
        redis_line.impose(Fault("cut"))
        assert held.recv(1) == b""


def port(line: Line) -> int:
    return int(line.address.rpartition(":")[2])


@pytest.mark.parametrize("kind", ["cut", "refuse"])
def test_new_connections_are_refused_by_the_kernel_itself(kind: str, redis_line: Line) -> None:
    redis_line.impose(Fault(kind))  # type: ignore[arg-type] # one of two
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port(redis_line)), timeout=SOON_MS / 1000)
    assert ports.is_taken(port(redis_line))


def test_who_is_in_already_is_not_refused(through: redis.Redis, redis_line: Line) -> None:
    redis_line.impose(Fault("refuse"))
    assert through.ping()
    assert redis_line.evidence().ended == 0


def first_word(line: Line) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", port(line)), timeout=SOON_MS / 1000)) as held:
        return held.recv(1)


def test_each_new_connection_is_reset(redis_line: Line) -> None:
    redis_line.impose(Fault("reset"))
    with pytest.raises(ConnectionResetError):
        first_word(redis_line)
    assert redis_line.evidence().ended == 1


def test_after_each_fault_all_is_well_again(redis_line: Line, redis_url: str) -> None:
    for fault in (Fault("cut"), Fault("refuse"), Fault("reset"), Fault("blackhole"), Fault("latency", latency_ms=5)):
        redis_line.impose(fault)
        redis_line.heal()
        with closing(client(redis_line, redis_url)) as speaks:
            assert speaks.ping(), fault


@pytest.mark.parametrize("new", [False, True])
def test_a_black_hole_takes_connections_and_says_nothing(redis_line: Line, redis_url: str, *, new: bool) -> None:
    with closing(client(redis_line, redis_url, UNHEARD_S)) as speaks:
        if not new:
            speaks.ping()
        before = redis_line.impose(Fault("blackhole"))
        with pytest.raises(redis.TimeoutError):
            speaks.ping()
        after = redis_line.evidence()
    assert after.swallowed_up > before.swallowed_up
    assert after.passed_up == before.passed_up
    assert after.ended == 0


def test_what_a_black_hole_swallowed_never_arrives(redis_line: Line, redis_url: str) -> None:
    with closing(client(redis_line, redis_url, UNHEARD_S)) as speaks, closing(client(redis_line, redis_url)) as other:
        speaks.ping()
        redis_line.impose(Fault("blackhole"))
        with pytest.raises(redis.TimeoutError):
            speaks.set("swallowed", 1)
        redis_line.heal()
        assert other.get("swallowed") is None


def test_a_stream_that_lost_bytes_is_reset_and_one_that_did_not_goes_on(redis_line: Line) -> None:
    at = ("127.0.0.1", port(redis_line))
    with socket.create_connection(at) as lost, socket.create_connection(at) as whole:
        lost.settimeout(SOON_MS / 1000)
        whole.settimeout(SOON_MS / 1000)
        assert until(lambda: redis_line.evidence().live == 2, at_most_ms=SOON_MS)
        redis_line.impose(Fault("blackhole"))
        lost.sendall(b"PING\r\n")
        assert until(lambda: redis_line.evidence().swallowed_up == len(b"PING\r\n"), at_most_ms=SOON_MS)
        assert redis_line.heal().ended == 1
        with pytest.raises(ConnectionResetError):
            lost.recv(1)
        whole.sendall(b"PING\r\n")
        assert whole.recv(100).startswith(b"-NOAUTH")


def test_the_servers_end_is_not_heard_through_a_black_hole(redis_line: Line) -> None:
    with socket.create_connection(("127.0.0.1", port(redis_line))) as held:
        held.settimeout(SOON_MS / 1000)
        held.sendall(b"PING\r\n")
        assert held.recv(100).startswith(b"-NOAUTH")
        redis_line.impose(Fault("blackhole", "down"))
        held.sendall(b"QUIT\r\n")  # it says +OK, and leaves
        assert until(lambda: redis_line.evidence().swallowed_down > 0, at_most_ms=SOON_MS)
        held.settimeout(UNHEARD_S)
        with pytest.raises(TimeoutError):
            held.recv(1)


@pytest.mark.parametrize(("direction", "arrived"), [("up", False), ("down", True)])
def test_one_direction_alone(
    direction: str, redis_line: Line, redis_url: str, clean_redis_url: str, *, arrived: bool
) -> None:
    del clean_redis_url
    key = f"one-way-{direction}"
    with closing(client(redis_line, redis_url, UNHEARD_S)) as speaks, redis.Redis.from_url(redis_url) as beside:
        speaks.delete(key)
        redis_line.impose(Fault("blackhole", direction))  # type: ignore[arg-type] # one of two
        with pytest.raises(redis.TimeoutError):
            speaks.set(key, 1)
        assert bool(beside.exists(key)) is arrived
        beside.delete(key)
    seen = redis_line.evidence()
    assert bool(seen.swallowed_up) is not arrived
    assert bool(seen.swallowed_down) is arrived


@pytest.mark.parametrize(("direction", "times"), [("up", 1), ("down", 1), ("both", 2)])
def test_latency_delays_what_is_said_on_a_live_connection(
    direction: str, times: int, through: redis.Redis, redis_line: Line
) -> None:
    redis_line.impose(Fault("latency", direction, LATENCY_MS))  # type: ignore[arg-type] # one of three
    began = CLOCK.now_ms()
    assert through.ping()
    assert CLOCK.now_ms() - began >= times * LATENCY_MS - 1


def test_latency_keeps_the_order_and_every_byte(through: redis.Redis, redis_line: Line) -> None:
    redis_line.impose(Fault("latency", latency_ms=20))
    large = bytes(range(256)) * 20_000
    pipeline = through.pipeline(transaction=False)
    values = [*(str(number).encode() for number in range(50)), large]
    for value in values:
        pipeline.set("order", value)
        pipeline.get("order")
    pipeline.delete("order")
    assert pipeline.execute()[1::2] == values


def test_what_is_held_back_arrives_at_once_when_the_latency_ends(through: redis.Redis, redis_line: Line) -> None:
    redis_line.impose(Fault("latency", latency_ms=60_000))
    heard: list[object] = []
    speaker = threading.Thread(target=lambda: heard.append(through.ping()))
    before = redis_line.impose(Fault("latency", "down", 60_000)).passed_up
    speaker.start()
    assert until(lambda: redis_line.evidence().passed_up > before, at_most_ms=SOON_MS)
    assert heard == []
    redis_line.heal()
    speaker.join(SOON_MS / 1000)
    assert heard == [True]


def test_faults_hold_together_and_replace_those_before(through: redis.Redis, redis_line: Line) -> None:
    redis_line.impose(Fault("refuse"), Fault("latency", "down", LATENCY_MS))
    began = CLOCK.now_ms()
    assert through.ping()
    assert CLOCK.now_ms() - began >= LATENCY_MS - 1
    assert not ports.accepts(port(redis_line))
    redis_line.impose(Fault("latency", "down", 1))
    assert ports.accepts(port(redis_line))


def test_lines_of_one_proxy_fail_apart(
    through: redis.Redis, redis_line: Line, postgres_line: Line, postgres_server: PostgresServer
) -> None:
    url = postgres_server.url().replace(postgres_server.address, postgres_line.address)
    with psycopg.connect(url, autocommit=True) as connection:
        redis_line.impose(Fault("cut"))
        assert connection.execute("select 1").fetchone() == (1,)
        postgres_line.impose(Fault("cut"))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with pytest.raises(redis.ConnectionError):
        through.ping()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url)
    postgres_line.heal()
    with psycopg.connect(url) as again:
        assert again.execute("select 1").fetchone() == (1,)


def test_postgresql_hangs_and_comes_back(postgres_line: Line, postgres_server: PostgresServer) -> None:
    url = postgres_server.url().replace(postgres_server.address, postgres_line.address)
    with psycopg.connect(url):
        postgres_line.impose(Fault("blackhole"))
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(url, connect_timeout=2)
        assert postgres_line.evidence().swallowed_up > 0
    postgres_line.heal()
    with psycopg.connect(url) as again:
        assert again.execute("select 1").fetchone() == (1,)


def test_it_tells_when_the_server_speaks_again(redis_line: Line, redis_url: str) -> None:
    with closing(client(redis_line, redis_url)) as speaks:
        speaks.ping()
        assert list(redis_line.heal().talking) == []
        speaks.ping()
        (port_of_its,) = redis_line.evidence().talking
        ours = {held.laddr.port for held in psutil.Process().net_connections("tcp")}
        assert port_of_its in ours
