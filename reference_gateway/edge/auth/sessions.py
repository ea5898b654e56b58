"""Sessions: what a login begins and refreshes go on. Refresh tokens are used once; a used one ends its session.

Source: RFC 9700 section 4.14 (rotation, and reuse detection). A refresh that was cut short may be repeated with its
`Idempotency-Key`: then it is the same operation, and no reuse.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from reference_gateway.edge.auth.revocations import revoke_session

if TYPE_CHECKING:
    from datetime import datetime

    from reference_gateway.edge.database import Connection, Database

SESSION_S: Final = 30 * 86_400
"""How long a session lasts, refreshed or not: then its user gives his password again."""

_BEGIN = """
INSERT INTO store_session (id, user_id, created_at, expires_at)
VALUES (%s, %s, now(), now() + make_interval(secs => %s))
ON CONFLICT (id) DO UPDATE SET id = excluded.id WHERE store_session.user_id = excluded.user_id
RETURNING expires_at
"""
_ISSUE = """
INSERT INTO store_refreshtoken (hash, session_id, issued_at, issued_by) VALUES (%s, %s, now(), %s)
"""
_WITHDRAW = "DELETE FROM store_refreshtoken WHERE session_id = %s AND issued_by = %s AND used_at IS NULL"
_USE = """
UPDATE store_refreshtoken AS t SET used_at = now(), used_by = %(operation)s
FROM store_session AS s JOIN store_user AS u ON u.id = s.user_id
WHERE t.hash = %(hash)s AND s.id = t.session_id AND (t.used_at IS NULL OR t.used_by = %(operation)s)
AND s.ended_at IS NULL AND s.expires_at > now() AND u.revoked_at IS NULL
RETURNING s.id, u.id, u.plan, s.expires_at
"""
_REUSED = "SELECT session_id FROM store_refreshtoken WHERE hash = %s AND used_at IS NOT NULL"
_OF_USER = """
SELECT s.id FROM store_refreshtoken AS t JOIN store_session AS s ON s.id = t.session_id
WHERE t.hash = %s AND s.user_id = %s
"""
_END = "UPDATE store_session SET ended_at = now() WHERE id = %s AND ended_at IS NULL"


class Session(NamedTuple):
    """A session and whose it is."""

    id: str
    user: str
    plan: str
    expires_at: datetime


class Reused(Exception):  # noqa: N818 - it is what was seen
    """A refresh token was used a second time: its session has ended."""

    def __init__(self, session: str) -> None:
        super().__init__("a refresh token was used again")
        self.session = session


class Sessions:
    """The tables of sessions and refresh tokens. Everything raises `DatabaseAway`."""

    def __init__(self, database: Database, token_s: float) -> None:
        self._database = database
        self._token_s = token_s

    async def begin(self, user: str, plan: str, operation: str) -> tuple[Session, str]:
        """Begin a session, named by the operation that begins it; return it with its first refresh token."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute(_BEGIN, (operation, user, SESSION_S))).fetchone()
            if row is None:
                raise AssertionError("operations have ids of 128 random bits")
            return Session(operation, user, plan, row[0]), await _issue(connection, operation, operation)

    async def refresh(self, token: str, operation: str) -> tuple[Session, str] | None:
        """Use a refresh token; return its session with the next one, or None for one that is not in force.

        Raises `Reused`, with the session ended, where it was used before.
        """
        async with self._database.transaction() as connection:
            used = {"hash": hash_of(token), "operation": operation}
            row = await (await connection.execute(_USE, used)).fetchone()
            if row is not None:
                session = Session(*row)
                return session, await _issue(connection, session.id, operation)
        await self._find_reuse(token)
        return None

    async def end(self, session: str) -> bool:
        """End a session and its access tokens; False where it had ended."""
        async with self._database.transaction() as connection:
            ended = (await connection.execute(_END, (session,))).rowcount
            await revoke_session(connection, session, self._token_s)
            return bool(ended)

    async def of(self, token: str, user: str) -> str | None:
        """Return the session of a refresh token, if it is this user's."""
        row = await self._database.one(_OF_USER, (hash_of(token), user))
        return None if row is None else str(row[0])

    async def _find_reuse(self, token: str) -> None:
        row = await self._database.one(_REUSED, (hash_of(token),))
        if row is not None:
            await self.end(str(row[0]))
            raise Reused(str(row[0]))


async def _issue(connection: Connection, session: str, operation: str) -> str:
    """Issue a refresh token; one that the same operation issued before never reached anybody."""
    token = f"gr_{secrets.token_urlsafe(32)}"
    await connection.execute(_WITHDRAW, (session, operation))
    await connection.execute(_ISSUE, (hash_of(token), session, operation))
    return token


def hash_of(token: str) -> bytes:
    """Hash a secret of 256 random bits as it is stored: there is nothing to guess in it."""
    return hashlib.sha256(token.encode()).digest()
