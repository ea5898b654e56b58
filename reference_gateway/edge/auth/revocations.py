"""What was taken back before its time, as every instance knows it: users, services, and sessions that ended.

Each instance asks PostgreSQL every `ASK_EVERY_S` for what changed since it asked last; so a revocation is in force
everywhere within that, one question's bound (`database.LOOKUP_S`), and some air: less than the 5 s that are promised.
While PostgreSQL is away nothing can be revoked, and what is known stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Final

from reference_gateway.edge import clock
from reference_gateway.edge.database import DatabaseAway

if TYPE_CHECKING:
    from reference_gateway.core.identity import Identity
    from reference_gateway.edge.database import Connection, Database

ASK_EVERY_S: Final = 1.0
OVERLAP: Final = timedelta(seconds=10)
"""A row is stamped before it can be seen; whoever asks looks back so far, further than any transaction lasts."""
KINDS: Final = ("user", "service", "session")

_CHANGED = """
SELECT now(), r.kind, r.name, r.in_force, r.expires_at
FROM (SELECT 1) AS one LEFT JOIN store_revocation AS r ON r.changed_at > %s
"""
_REVOKE = """
INSERT INTO store_revocation (kind, name, in_force, changed_at, expires_at)
VALUES (%s, %s, TRUE, clock_timestamp(), now() + make_interval(secs => %s))
ON CONFLICT (kind, name) DO UPDATE
SET in_force = TRUE, changed_at = excluded.changed_at, expires_at = excluded.expires_at
"""


class Revocations:
    """A set in memory, and the table that it follows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._until_s: dict[tuple[str, str], float] = {}
        """When each may be forgotten, on the clock of tokens."""
        self._since = datetime.min.replace(tzinfo=UTC)

    def bars(self, identity: Identity) -> bool:
        """Whether the token or key that proved this identity is no longer in force."""
        known = self._until_s
        return bool(known) and (
            ("user", identity.user) in known
            or ("session", identity.session) in known
            or (identity.kind, identity.name) in known
        )

    def learn(self, kind: str, name: str, until_s: float = inf) -> None:
        """Know at once what this instance itself revoked."""
        self._until_s[kind, name] = until_s

    async def follow(self) -> None:
        """Take in what changed; while PostgreSQL is away what is known stays."""
        try:
            rows = await self._database.all(_CHANGED, (self._since,))
        except DatabaseAway:
            return
        for _, kind, name, in_force, expires_at in rows:
            if kind is not None:
                self._take(kind, name, expires_at, in_force=in_force)
        self._since = rows[0][0] - OVERLAP
        self._forget()

    def _take(self, kind: str, name: str, expires_at: datetime | None, *, in_force: bool) -> None:
        if in_force:
            self.learn(kind, name, inf if expires_at is None else expires_at.timestamp())
        else:
            self._until_s.pop((kind, name), None)

    def _forget(self) -> None:
        now_s = clock.epoch_s()
        for what in [what for what, until_s in self._until_s.items() if until_s <= now_s]:
            del self._until_s[what]


async def revoke_session(connection: Connection, session: str, token_s: float) -> None:
    """Write down that a session ended, for as long as access tokens of it may live."""
    await connection.execute(_REVOKE, ("session", session, token_s + OVERLAP.total_seconds()))
