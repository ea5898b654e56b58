"""A running gateway as its tests hold it: the real process, and a provider that says what it is told."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gatespec.clock import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
START_MS = 60_000
"""Importing Django and Ninja takes 2 s on a quiet machine; this one may be busy."""
STOP_S = 30
HELD_MAX_S = 30
ANSWER_S = 15
"""No answer may take longer than the contract's 5 s; the rest is for a busy machine."""

ISSUER, AUDIENCE = "https://issuer.test", "gateway"


def instance_type(name: str = "gpu_1x_a10", cents: int = 75) -> dict[str, Any]:
    """One item of Lambda's list, in its real form."""
    return {
        "instance_type": {
            "name": name,
            "description": "1x A10 (24 GB PCIe)",
            "gpu_description": "A10 (24 GB PCIe)",
            "price_cents_per_hour": cents,
            "specs": {"vcpus": 30, "memory_gib": 200, "storage_gib": 1400, "gpus": 1},
        },
        "regions_with_capacity_available": [{"name": "us-west-1", "description": "California, USA"}],
    }


@dataclass
class Upstream:
    """A provider of Lambda's wire format on loopback, in a thread of its own."""

    port: int = 0
    cents: int = 75
    status: int = 200
    delay_s: float = 0.0
    count: int = 1
    """Machine types on the list; each costs a cent more than the one before."""
    held: bool = False
    """While it is, nobody gets an answer."""
    calls: int = 0
    credentials: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(
        self, *, cents: int = 75, status: int = 200, delay_s: float = 0.0, held: bool = False, count: int = 1
    ) -> None:
        self.cents, self.status, self.delay_s, self.held, self.count = cents, status, delay_s, held, count

    async def answer(self, request: web.Request) -> web.Response:
        self.calls += 1
        self.credentials.add(request.headers.get("authorization", ""))
        await asyncio.sleep(self.delay_s)
        for _ in range(HELD_MAX_S * 100):
            if not self.held:
                break
            await asyncio.sleep(0.01)
        if self.status != 200:
            return web.json_response({"error": {"code": "x", "message": "no"}}, status=self.status)
        names = ["gpu_1x_a10", *(f"gpu_1x_a10_{number}" for number in range(1, self.count))]
        items = {name: instance_type(name, self.cents + extra) for extra, name in enumerate(names)}
        return web.json_response({"data": items})


def run_upstream(upstream: Upstream) -> Iterator[Upstream]:
    """Serve until the generator is closed."""
    loop = asyncio.new_event_loop()
    app = web.Application()
    app.router.add_get("/{name}/api/v1/instance-types", upstream.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    upstream.port = runner.addresses[0][1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield upstream
    loop.call_soon_threadsafe(loop.stop)
    thread.join(STOP_S)
    loop.run_until_complete(runner.cleanup())
    loop.close()


@dataclass(frozen=True)
class Signing:
    """The issuer's key."""

    private: bytes
    private_file: Path
    public_file: Path

    def mint(self, **claims: object) -> str:
        now_s = int(time.time())  # noqa: TID251 - a token is stamped by the wall clock
        said = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "typ": "user", "plan": "enterprise",
            "iat": now_s, "exp": now_s + 600, **claims,
        }  # fmt: skip # claims in rows, by who reads them
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(kept, self.private, algorithm="RS256")

    def bearer(self, **claims: object) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.mint(**claims)}"}


def new_signing(folder: Path) -> Signing:
    """Make a key, and leave its public half in the folder."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public_file = folder / "public.pem"
    public_file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private_file = folder / "private.pem"
    private_file.write_bytes(private)
    return Signing(private, private_file, public_file)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def remaining(self) -> int:
        return int(self.headers["ratelimit"].split(";")[1].removeprefix("r="))


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*arguments: str, environment: Mapping[str, str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run one command of the gateway to its end, with some words on its stdin."""
    argv = [sys.executable, "-m", "reference_gateway", *arguments]
    kept = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        argv, cwd=ROOT, env=kept, input=given, capture_output=True, text=True, timeout=60, check=False
    )


class Instance:
    """One serving process."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.log = log
        env = {"PATH": os.environ["PATH"], **environment, "GATEWAY_LISTEN": f"127.0.0.1:{self.port}"}
        argv = [sys.executable, "-m", "reference_gateway", "serve"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)

    def until_ready(self) -> Instance:
        assert until(self._ready, at_most_ms=START_MS), self.log.read_text()
        return self

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("/health/ready").status == 200
        except OSError:
            return False

    def ask(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes = b"") -> Reply:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)) as connection:
            connection.request(method, path, body or None, dict(headers or {}))
            reply = connection.getresponse()
            kept = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, kept, reply.read())

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; return all that comes back until the connection ends."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S)) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def offers(self, query: str = "", headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
        return self.ask(f"/api/v2/providers{query}", headers, method)

    def metric(self, line: str) -> float:
        """Return the value of a metric by its name and labels as Prometheus prints them; 0 if it is not there yet."""
        for text in self.ask("/metrics").body.decode().splitlines():
            if text.startswith(f"{line} "):
                return float(text.rpartition(" ")[2])
        return 0.0

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
            raise
