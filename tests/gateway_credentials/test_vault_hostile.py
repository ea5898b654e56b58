"""Who stands where Vault should stand, and is not it: he is away, and nobody's credential is gone for that."""

from __future__ import annotations

import asyncio
import json
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import MonotonicClock, now_ns, sleep_until_ns
from reference_gateway.adapters.vault import HvacVault, VaultAccess
from reference_gateway.core.credentials.ports import VaultAway, VaultDenied
from reference_gateway.core.credentials.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOGIN = "/v1/auth/approle/login"
TOKEN = "canary-token"  # noqa: S105 - nobody's
DRIP_NS = 100_000_000
"""Between two bytes of an answer that never ends."""
SECRET_ID = "canary-secret-id"  # noqa: S105 - as above
API_KEY = "canary-api-key"
GOOD_LOGIN = json.dumps({"auth": {"client_token": TOKEN, "lease_duration": 600, "renewable": True}})
PATIENCE_S = 30
"""How long a question may take before a test calls it hung: the machine may be busy."""


@dataclass
class Impostor:
    """Answers a login as Vault does, and all else as a test wants it."""

    address: str = ""
    login: str = GOOD_LOGIN
    status: int = 200
    kind: str = "application/json"
    body: str = "{}"
    drips: bool = False
    tokens: list[str] = field(default_factory=list)
    met: list[asyncio.Task[None] | None] = field(default_factory=list)

    def says(self, status: int, body: str, kind: str = "application/json") -> None:
        self.status, self.body, self.kind = status, body, kind

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.met.append(asyncio.current_task())
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:  # also where the test has ended meanwhile: what stays open is a warning in somebody else's test
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        await reader.readexactly(int(fields.get("content-length", 0)))
        self.tokens.append(fields.get("x-vault-token", ""))
        if head.split()[1] == LOGIN:
            await self._send(writer, 200, "application/json", self.login)
        elif self.drips:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await sleep_until_ns(now_ns() + DRIP_NS)
        else:
            await self._send(writer, self.status, self.kind, self.body)
        return True

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, status: int, kind: str, body: str) -> None:
        sent = body.encode()
        more = "Location: http://127.0.0.1:1/elsewhere\r\n" if status == 302 else ""
        writer.write(
            f"HTTP/1.1 {status} X\r\n{more}Content-Type: {kind}\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
        )
        writer.write(sent)
        await writer.drain()


@pytest.fixture
async def impostor() -> AsyncIterator[Impostor]:
    impostor = Impostor()
    server = await asyncio.start_server(impostor.meet, "127.0.0.1", 0)
    impostor.address = "http://{}:{}".format(*server.sockets[0].getsockname())
    yield impostor
    server.close()
    met = [task for task in impostor.met if task is not None]
    for task in met:
        task.cancel()
    await asyncio.gather(*met, return_exceptions=True)


@pytest.fixture
async def vault(impostor: Impostor) -> AsyncIterator[HvacVault]:
    access = VaultAccess(impostor.address, "secret", Secret("role"), Secret(SECRET_ID))
    vault = HvacVault(access, MonotonicClock().now_ms)
    yield vault
    await vault.close()


NO_ANSWER_OF_VAULTS = [
    (200, "<html>welcome</html>", "text/html"),
    (200, "[]", "application/json"),
    (200, "5", "application/json"),
    (200, "null", "application/json"),
    (200, "{}", "application/json"),
    (200, '{"data": null}', "application/json"),
    (200, '{"data": []}', "application/json"),
    (204, "", "text/plain"),
    (302, "", "text/plain"),
    (404, "<html>no such page</html>", "text/html"),
    (404, "[]", "application/json"),
    (404, '{"errors": ["no handler for route \\"secret/data/x\\". route entry not found."]}', "application/json"),
    (418, "{}", "application/json"),
    (500, '{"errors": [5, null]}', "application/json"),
    (502, "bad gateway", "text/plain"),
]


@pytest.mark.parametrize(("status", "body", "kind"), NO_ANSWER_OF_VAULTS)
async def test_what_vault_would_not_say_is_no_answer(
    impostor: Impostor, vault: HvacVault, status: int, body: str, kind: str
) -> None:
    impostor.says(status, body, kind)
    with pytest.raises(VaultAway):
        await vault.read("providers/lambda")
    with pytest.raises(VaultAway):
        await vault.names("users/ann/providers")


@pytest.mark.parametrize("body", ['{"errors": []}', '{"data": {"data": null, "metadata": {"deletion_time": "now"}}}'])
async def test_what_vault_says_of_what_there_is_not_is_an_answer(
    impostor: Impostor, vault: HvacVault, body: str
) -> None:
    impostor.says(404, body, "application/json; charset=utf-8")
    assert await vault.read("providers/lambda") is None
    assert list(await vault.names("users/ann/providers")) == []


@pytest.mark.parametrize("login", ["[]", "{}", "<html>", '{"auth": {"client_token": 5}}', '{"auth": {}}', "5"])
async def test_a_login_that_brings_no_token_is_vault_away(impostor: Impostor, vault: HvacVault, login: str) -> None:
    impostor.login = login
    with pytest.raises(VaultAway):
        await vault.read("providers/lambda")


@pytest.mark.parametrize("status", [400, 403, 500, 503])
async def test_no_error_carries_a_secret(impostor: Impostor, vault: HvacVault, status: int) -> None:
    impostor.says(status, json.dumps({"errors": [f"you sent {API_KEY}"]}))
    with pytest.raises(VaultAway) as failed:
        await vault.write("users/ann/providers/lambda", {"api_key": Secret(API_KEY)})
    assert isinstance(failed.value, VaultDenied) == (status in {400, 403})
    assert_tells_nothing(failed.value)


async def test_no_error_of_the_login_carries_a_secret(impostor: Impostor, vault: HvacVault) -> None:
    impostor.login = json.dumps({"auth": {"client_token": "", "accessor": TOKEN}})
    with pytest.raises(VaultAway) as failed:
        await vault.read("providers/lambda")
    assert_tells_nothing(failed.value)


def assert_tells_nothing(failed: BaseException) -> None:
    """As a crash reporter sees it: text, causes, contexts, and the locals of every frame of each but ours."""
    seen: list[str] = []
    error: BaseException | None = failed
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in told.stack if frame.filename != __file__]
        seen += [f"{frame.filename} {frame.locals}" for frame in frames]
        seen += [str(error), repr(error), str(vars(error))]
        error = error.__cause__ or error.__context__
    assert "client.py" in "".join(seen), "nothing was looked at"
    assert [canary for canary in (API_KEY, SECRET_ID, TOKEN) if canary in "".join(seen)] == []


async def test_a_token_of_the_surroundings_is_not_used(
    impostor: Impostor, vault: HvacVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "operators-own")
    impostor.says(404, '{"errors": []}')
    await vault.read("providers/lambda")
    assert impostor.tokens == ["", TOKEN]


async def test_an_answer_that_never_ends_is_given_up(impostor: Impostor) -> None:
    impostor.drips = True
    access = VaultAccess(impostor.address, "secret", Secret("role"), Secret(SECRET_ID))
    hurried = HvacVault(access, MonotonicClock().now_ms, 1.0)
    with pytest.raises(VaultAway, match=r"within 1\.0 s"):
        await asyncio.wait_for(hurried.read("providers/lambda"), PATIENCE_S)
    await hurried.close()
