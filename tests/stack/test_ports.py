"""Ports that are taken, and ports that are lost between a look and a start."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatespec.errors import Exit, GatespecError
from gatespec.stack import ports
from gatespec.stack.finder import chosen, find_redis
from gatespec.stack.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatespec.stack.nursery import Nursery


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", ports.free_port()))) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_seen_and_its_holder_named(taken: int) -> None:
    assert ports.is_taken(taken)
    error = ports.in_use(taken)
    assert (error.code, error.exit_code) == ("port-in-use", Exit.USAGE)
    assert f"(pid {os.getpid()})" in error.message


def test_a_port_that_the_system_keeps_is_not_called_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ports.is_reserved(taken)
    monkeypatch.setattr("socket.socket.bind", forbidden)
    assert (ports.in_use(80).code, ports.in_use(80).exit_code) == ("port-reserved", Exit.USAGE)


def forbidden(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_free_port_lies_below_those_of_outgoing_connections() -> None:
    port = ports.free_port()
    assert not ports.is_taken(port)
    assert port < 32_768


def test_a_service_moves_on_when_it_loses_the_race_for_its_port(
    nursery: Nursery, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = ports.free_port()
    offered = iter([taken, spare])
    monkeypatch.setattr(ports, "free_port", lambda: next(offered))
    server = RedisServer(nursery, chosen(find_redis()))
    server.start()
    server.ready()
    assert server.port == spare


def test_a_port_that_was_asked_for_is_never_exchanged(nursery: Nursery, taken: int) -> None:
    with pytest.raises(GatespecError) as refused:
        RedisServer(nursery, chosen(find_redis()), port=taken).start()
    assert refused.value.code == "port-in-use"
