"""Free ports on the loopback address, and who holds one that is not free."""

from __future__ import annotations

import secrets
import socket
from contextlib import closing

import psutil

from gatespec.errors import GatespecError, unable, usage

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20_000, 32_000
"""Below the ports that Linux and macOS give to outgoing connections: a server that is restarted on its port finds it
free, however many connections a load has open."""
LOOKS_MAX = 200
"""So many taken ports in a row mean that something is wrong with the machine, not with our luck."""
RACES_MAX = 3
"""How often a service moves on when somebody took its port between our look and its start."""


def free_port() -> int:
    """A port that nobody listens on now; whoever starts there must be ready to lose a race for it."""
    for _ in range(LOOKS_MAX):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if not is_taken(port):
            return port
    raise unable("ports-exhausted", f"no free port on {LOOPBACK}", tried=f"{LOOKS_MAX} of {FIRST} to {LAST}")


def is_taken(port: int) -> bool:
    """Whether somebody listens there; a port whose last connections linger is free."""
    with closing(socket.socket()) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def is_reserved(port: int) -> bool:
    """Whether the system keeps it from this user: on Linux the ports below 1024, from everybody but root."""
    with closing(socket.socket()) as trial:
        try:
            trial.bind((LOOPBACK, port))
        except OSError as error:
            return isinstance(error, PermissionError)
    return False


def accepts(port: int) -> bool:
    """Whether a connection is taken up there, within a second."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def in_use(port: int) -> GatespecError:
    """The error of somebody who asked for a port that cannot be had, naming its holder where we may know."""
    if is_reserved(port):
        hint = "choose one from 1024 on with --port"
        return usage("port-reserved", f"the system lets only root listen on port {port}", hint=hint)
    return usage(
        "port-in-use",
        f"port {port} on {LOOPBACK} is in use by {holder(port)}",
        hint="end it, or choose another port with --port",
    )


def holder(port: int) -> str:
    """Who listens on a port: process name and number, or that we may not know."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "a process of another user"
