"""Passwords, hashed with argon2id beside the event loop: so many at a time, so many waiting, and no more.

Parameters: OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane); one hash takes 27 ms here.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD_MAX_CHARS: Final = 1024
THREADS: Final = 2
WAITING_MAX: Final = 64
"""Two seconds' work of one thread; whoever comes later is told so."""

Result = TypeVar("Result")

hasher: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class TooManyPasswords(Exception):  # noqa: N818 - it is a state of the world
    """More wait to be verified than can be."""


class Passwords:
    """Verifies; an unknown user costs as much as a known one."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobodys = hasher.hash(secrets.token_hex())

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed; None is nobody's. Raises `TooManyPasswords`."""
        right = await self._beside(partial(_verify, hashed or self._nobodys, password))
        return right and hashed is not None

    async def rehashed(self, hashed: str, password: str) -> str | None:
        """Return another hash where this one was made with other parameters; raises `TooManyPasswords`."""
        if not hasher.check_needs_rehash(hashed):
            return None
        return await self._beside(partial(hasher.hash, password))

    def close(self) -> None:
        """End the threads; what waits is not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _beside(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= WAITING_MAX:
            raise TooManyPasswords
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def _verify(hashed: str, password: str) -> bool:
    try:
        return hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
