"""Rows that nobody needs any more, deleted a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reference_gateway.edge.database import DatabaseAway

if TYPE_CHECKING:
    from reference_gateway.edge.database import Database

EVERY_S: Final = 60.0

_OVER = "(expires_at < now() OR ended_at < now() - interval '1 day')"
_STALE: Final = (
    ("store_operation", "id", "forget_ms < (extract(epoch FROM now()) * 1000)::bigint"),
    ("store_attempt", "subject", "last_at < now() - interval '1 hour'"),
    ("store_revocation", "id", "expires_at < now()"),
    ("store_refreshtoken", "hash", f"session_id IN (SELECT id FROM store_session WHERE {_OVER})"),  # noqa: S608 - constants
    (
        "store_session",
        "id",
        f"{_OVER} AND NOT EXISTS (SELECT FROM store_refreshtoken WHERE session_id = store_session.id)",
    ),
)
_FEW: Final = "(SELECT {key} FROM {table} WHERE {stale} LIMIT 5000 FOR UPDATE SKIP LOCKED)"
STATEMENTS: Final = tuple(
    f"DELETE FROM {table} WHERE {key} IN {_FEW.format(key=key, table=table, stale=stale)}"  # noqa: S608 - constants
    for table, key, stale in _STALE
)
"""5,000 rows of a table in one turn stay far within the time that one look-up has."""


class Pruning:
    """Deletes what expired."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune(self) -> None:
        """One turn over all tables; while PostgreSQL is away there is none."""
        try:
            for statement in STATEMENTS:
                await self._database.change(statement)
        except DatabaseAway:
            return
