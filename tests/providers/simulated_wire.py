"""A client that shares nothing with the simulators: bytes out of a socket."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

KEY = "development-key-not-a-secret"
LIST = "/api/v1/instance-types"
PROBE = "/api/v1/images"
HEARD_S = 10.0


@dataclass(frozen=True)
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def whole(self) -> bool:
        return len(self.body) == int(self.headers["content-length"])


@dataclass(frozen=True)
class Provider:
    base_url: str
    name: str

    def connect(self, timeout_s: float = HEARD_S) -> socket.socket:
        parts = urlsplit(self.base_url)
        return socket.create_connection((parts.hostname, parts.port), timeout=timeout_s)

    def send(
        self, held: socket.socket, path: str = LIST, authorization: str | None = f"Bearer {KEY}", at: str = ""
    ) -> None:
        fields = [f"GET /{self.name}{at}{path} HTTP/1.1", "Host: simulated", "Connection: close"]
        if authorization is not None:
            fields.append(f"Authorization: {authorization}")
        held.sendall("\r\n".join([*fields, "", ""]).encode())

    def get(self, path: str = LIST, authorization: str | None = f"Bearer {KEY}", at: str = "") -> Heard:
        with self.connect() as held:
            self.send(held, path, authorization, at)
            return parsed(everything(held))


def everything(held: socket.socket) -> bytes:
    """All bytes until the other side closes."""
    return b"".join(iter(lambda: held.recv(1 << 16), b""))


def parsed(raw: bytes) -> Heard:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    named = (field.partition(":") for field in fields)
    return Heard(int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in named}, body)
