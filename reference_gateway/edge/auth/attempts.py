"""Tries to sign in, counted in PostgreSQL: all instances know them, and a restart forgets none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from reference_gateway.core import lockout
from reference_gateway.core.lockout import OF_ADDRESS, OF_NAME, Rules, Tries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_gateway.edge.database import Connection, Database

MS_PER_S: Final = 1000

Subject = tuple[bytes, Rules]

_SEED = "INSERT INTO store_attempt (subject, tries, last_at) VALUES (%s, 0, 'epoch') ON CONFLICT DO NOTHING"
_LOCK = """
SELECT tries, (extract(epoch FROM last_at) * 1000)::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM store_attempt WHERE subject = %s FOR UPDATE
"""
_WRITE = "UPDATE store_attempt SET tries = %s, last_at = to_timestamp(%s / 1000.0) WHERE subject = %s"
_CLEAR = "DELETE FROM store_attempt WHERE subject = %s"
_TAKE_BACK = "UPDATE store_attempt SET tries = greatest(tries - 1, 0) WHERE subject = %s"


class Attempts:
    """Says whether somebody may try. Names lie hashed: whoever reads the table learns no list of users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, username: str, address: str) -> int:
        """Count a try and return 0, or return for how many ms it may not be; raises `DatabaseAway`."""
        subjects = sorted([(_of_name(username), OF_NAME), (_of_address(address), OF_ADDRESS)], key=lambda each: each[0])
        async with self._database.transaction() as connection:
            return await _count(connection, subjects)

    async def succeeded(self, username: str, address: str) -> None:
        """Forget what was tried on this name, and take this try back from the address."""
        async with self._database.transaction() as connection:
            for query, subject in sorted(
                [(_CLEAR, _of_name(username)), (_TAKE_BACK, _of_address(address))], key=lambda each: each[1]
            ):
                await connection.execute(query, (subject,))


async def _count(connection: Connection, subjects: Sequence[Subject]) -> int:
    """Locked in the order of the subjects, so that nobody waits for somebody who waits for him."""
    held = [(subject, rules, *await _locked(connection, subject)) for subject, rules in subjects]
    wait_ms = max(lockout.wait_ms(tries, rules, now_ms) for _, rules, tries, now_ms in held)
    if not wait_ms:
        for subject, rules, tries, now_ms in held:
            after = lockout.tried(tries, rules, now_ms)
            await connection.execute(_WRITE, (after.count, after.last_ms, subject))
    return wait_ms


async def _locked(connection: Connection, subject: bytes) -> tuple[Tries, int]:
    await connection.execute(_SEED, (subject,))
    row = await (await connection.execute(_LOCK, (subject,))).fetchone()
    if row is None:
        raise AssertionError("a row that was just seeded is there: only what is older is pruned")
    return Tries(int(row[0]), int(row[1])), int(row[2])


def _of_name(username: str) -> bytes:
    return hashlib.sha256(b"name\0" + username.encode()).digest()


def _of_address(address: str) -> bytes:
    return hashlib.sha256(b"address\0" + address.encode()).digest()
