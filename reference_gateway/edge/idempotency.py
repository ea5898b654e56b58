"""`Idempotency-Key` on every POST: one wrapper around whatever answers it, and the table that remembers.

Nothing in the table says what was sent or answered in secret: keys are hashed, bodies are known by a keyed hash whose
key only the client has, and answers are kept without what they issued.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from reference_gateway.core import answers, problems
from reference_gateway.core.answers import Answer
from reference_gateway.core.idempotency import (
    Act,
    Mismatch,
    Operation,
    Remembered,
    Replay,
    Running,
    had_no_effect,
    is_remembered,
    turn_of,
)
from reference_gateway.core.problems import Problem
from reference_gateway.edge.database import RETRY_S, DatabaseAway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference_gateway.core.idempotency import Turn
    from reference_gateway.edge.database import Connection, Database
    from reference_gateway.edge.requests import Request

FIELD: Final = "Idempotency-Key"
LEASE_MS: Final = 10_000
"""How long one at work is waited for: twice what any request may take."""
MS_PER_S: Final = 1000
OPERATION_BYTES: Final = 16
SECRETS: Final = frozenset({"access_token", "agent_token", "api_key", "refresh_token", "secret"})
"""Members of answers that are shown once, wherever they stand."""
KEPT: Final = frozenset({"content-type", "cache-control", "location", "retry-after"})
"""Fields of the first answer that belong to every repeat; all others are each request's own."""
REPLAYED: Final = ("idempotency-replayed", "true")

_HEADER = b"idempotency-key"
_BARE = re.compile(rb"[!#-~][!-~]{0,254}")
_QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_MALFORMED = Problem("header-invalid", f"{FIELD}: expected once, 1 to 255 visible ASCII characters", FIELD)
_MISMATCH = Problem("idempotency-mismatch", "this key was used with another body", FIELD)
_AWAY = Problem("database-unavailable", "nothing was done: whether it was before cannot be told", retry_after_s=RETRY_S)

_NEW = """
INSERT INTO store_operation (id, operation, fingerprint, running_until_ms, forget_ms)
VALUES (%s, '', '', 0, 0) ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT operation, fingerprint, running_until_ms, forget_ms, status, headers, body,
(extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM store_operation WHERE id = %s FOR UPDATE
"""
_CLAIM = """
UPDATE store_operation SET operation = %s, fingerprint = %s, running_until_ms = %s, forget_ms = %s,
status = NULL, headers = NULL, body = NULL WHERE id = %s
"""
_REMEMBER = """
UPDATE store_operation SET running_until_ms = 0, status = %s, headers = %s, body = %s WHERE id = %s AND operation = %s
"""
_RELEASE = "UPDATE store_operation SET running_until_ms = 0 WHERE id = %s AND operation = %s AND status IS NULL"
_FORGET = "DELETE FROM store_operation WHERE id = %s AND operation = %s"


class Operations:
    """The table of operations. Everything raises `DatabaseAway`."""

    def __init__(self, database: Database, keep_ms: int) -> None:
        self._database = database
        self._keep_ms = keep_ms

    async def claim(self, row: bytes, fingerprint: bytes) -> Turn:
        """Say what a request does; with `Act` it alone does it, for `LEASE_MS`."""
        async with self._database.transaction() as connection:
            known, now_ms = await _known(connection, row)
            turn = turn_of(known, fingerprint, secrets.token_hex(OPERATION_BYTES), now_ms)
            if isinstance(turn, Act):
                until_ms, forget_ms = now_ms + LEASE_MS, now_ms + self._keep_ms
                await connection.execute(_CLAIM, (turn.operation, fingerprint, until_ms, forget_ms, row))
            return turn

    async def settle(self, row: bytes, operation: str, answer: Answer | None) -> None:
        """Note how it ended; None where it came to no answer."""
        if answer is None:
            await self._database.change(_RELEASE, (row, operation))
        elif is_remembered(answer.status):
            kept = orjson.dumps([each for each in answer.headers if each[0] in KEPT]).decode()
            body = without_secrets(answer.body)
            await self._database.change(_REMEMBER, (answer.status, kept, body, row, operation))
        else:
            query = _FORGET if had_no_effect(answer.status, _code_of(answer)) else _RELEASE
            await self._database.change(query, (row, operation))


class Idempotency:
    """Answers POSTs, each operation once."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def run(
        self, request: Request, body: bytes, fields: answers.Fields, act: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Answer by `act`, or as it was answered before; `fields` are this request's own. `act` raises nothing."""
        key = _key_of(request)
        if isinstance(key, Problem):
            return answers.failed(key, request.trace_id, fields)
        if key is None:
            request.operation = secrets.token_hex(OPERATION_BYTES)
            return await act()
        try:
            row = _row(request, key)
            turn = await self._operations.claim(row, _fingerprint(request, key, body))
        except DatabaseAway:
            return answers.failed(_AWAY, request.trace_id, fields)
        if isinstance(turn, Act):
            request.operation = turn.operation
            return await asyncio.shield(self._acted(row, turn.operation, act))
        return _told(turn, request, fields)

    async def _acted(self, row: bytes, operation: str, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Act, and note how it ended; where that cannot be noted, a repeat resumes after the lease."""
        answer: Answer | None = None
        try:
            answer = await act()
        finally:
            try:
                await self._operations.settle(row, operation, answer)
            except DatabaseAway:
                structlog.get_logger().warning("the end of an operation was not noted", operation=operation)
        return answer


def without_secrets(body: bytes) -> bytes:
    """Put null in place of what is shown once."""
    if not body.startswith((b"{", b"[")):
        return body
    return orjson.dumps(_nulled(orjson.loads(body)))


def _nulled(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: None if name in SECRETS else _nulled(member) for name, member in value.items()}
    return [_nulled(member) for member in value] if isinstance(value, list) else value


def _told(turn: Turn, request: Request, fields: answers.Fields) -> Answer:
    if isinstance(turn, Replay):
        first = turn.answer
        return Answer(first.status, (*first.headers, *fields, REPLAYED), _retraced(first, request.trace_id))
    if isinstance(turn, Running):
        wait_s = -(-turn.wait_ms // MS_PER_S)
        detail = f"the first request with this key is at work; after {wait_s} s it is taken for lost"
        return answers.failed(Problem("idempotency-running", detail), request.trace_id, fields)
    if isinstance(turn, Mismatch):
        return answers.failed(_MISMATCH, request.trace_id, fields)
    raise AssertionError("whoever may act is told nothing")


def _retraced(first: Remembered, trace_id: str) -> bytes:
    """A problem names the request that it answers."""
    if (("content-type", problems.CONTENT_TYPE)) not in first.headers:
        return first.body
    return orjson.dumps({**orjson.loads(first.body), "trace_id": trace_id})


async def _known(connection: Connection, row: bytes) -> tuple[Operation, int]:
    await connection.execute(_NEW, (row,))
    found = await (await connection.execute(_LOCK, (row,))).fetchone()
    if found is None:
        raise DatabaseAway  # it expired and was pruned in this very moment: as good as no answer
    operation, fingerprint, until_ms, forget_ms, status, headers, body, now_ms = found
    answer = None
    if status is not None:
        answer = Remembered(status, tuple((name, value) for name, value in orjson.loads(headers)), bytes(body))
    return Operation(operation, bytes(fingerprint), until_ms, forget_ms, answer), now_ms


def _key_of(request: Request) -> bytes | Problem | None:
    """Return the key; the quoted form of draft-ietf-httpapi-idempotency-key-header means what is in the quotes."""
    sent = [value for name, value in request.scope["headers"] if name == _HEADER]
    if not sent:
        return None
    quoted = _QUOTED.fullmatch(sent[0])
    if len(sent) > 1 or not (quoted or _BARE.fullmatch(sent[0])):
        return _MALFORMED
    return re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else sent[0]


def _row(request: Request, key: bytes) -> bytes:
    identity = "" if request.identity is None else request.identity.id
    return hashlib.sha256(b"\0".join((identity.encode("utf-8", "surrogatepass"), request.path.encode(), key))).digest()


def _fingerprint(request: Request, key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, request.query + b"\0" + body, "sha256")


def _code_of(answer: Answer) -> str | None:
    if ("content-type", problems.CONTENT_TYPE) not in answer.headers:
        return None
    return str(orjson.loads(answer.body).get("code"))
