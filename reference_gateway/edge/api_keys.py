"""API keys: `gk_{id}_{secret}`, stored as the SHA-256 of a 256-bit random secret.

A fast hash is right here: there is nothing to guess in 256 random bits, and a slow one would be a lever for strangers.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from reference_gateway.core.identity import Identity
from reference_gateway.core.problems import Problem
from reference_gateway.edge import clock
from reference_gateway.edge.credential_cache import CredentialCache
from reference_gateway.edge.tokens import CredentialRefused

if TYPE_CHECKING:
    from asyncio import Future

FIELD = "X-API-Key"
"""The field at fault in every problem of a key."""
REMEMBERED_S = 3.0
"""How long an answer of the database is believed. A revoked key is refused within 5 s: this, one look-up's bound
(`database.LOOKUP_S`), and some air."""
ID_CHARS = 16
KEYS_MAX = 10_000
STRANGERS_MAX = 10_000
"""Refused keys are remembered apart, so that a flood of invented ones displaces no real one."""

_FORM = re.compile(rb"gk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment when it is known in full."""

    id: str
    text: str = field(repr=False)
    digest: bytes


def new_key() -> NewKey:
    """Draw a key's id (64 bits) and secret (256 bits)."""
    return key_named(secrets.token_hex(ID_CHARS // 2))


def key_named(key_id: str) -> NewKey:
    """Draw the secret of a key whose id (`ID_CHARS` hex digits) is drawn already."""
    secret = secrets.token_urlsafe(32)
    return NewKey(key_id, f"gk_{key_id}_{secret}", digest_of(secret.encode()))


def digest_of(secret: bytes) -> bytes:
    """Hash a secret as it is stored."""
    return hashlib.sha256(secret).digest()


class StoredKey(NamedTuple):
    """What the database knows of a key that is not revoked."""

    digest: bytes
    plan: str
    user: str
    """Whose key it is."""


class KeyStore(Protocol):
    """Where keys are looked up."""

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key unless it is unknown or revoked; raises `DatabaseAway`."""


class ApiKeys:
    """Proves keys; of one key one look-up runs at a time."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._proven: CredentialCache[Identity] = CredentialCache(KEYS_MAX)
        self._refused: CredentialCache[bool] = CredentialCache(STRANGERS_MAX)
        self._lookups: dict[bytes, Future[Identity]] = {}

    async def identify(self, key: bytes) -> Identity:
        """Prove the identity of an `X-API-Key`; raises `CredentialRefused` or `DatabaseAway`."""
        digest, now_s = digest_of(key), clock.monotonic_ns() / 1e9
        if self._refused.get(digest, now_s):
            raise refusal()
        known = self._proven.get(digest, now_s)
        return known if known is not None else await self._joined(_parsed(key), digest)

    def forget(self, key_id: str) -> None:
        """Believe nothing any more of a key that was just revoked."""
        self._proven.drop(lambda identity: identity.name == key_id)

    async def _joined(self, key: _Presented, digest: bytes) -> Identity:
        """Join the look-up that runs for this key, or start it; whoever goes away does not end it for the others."""
        lookup = self._lookups.get(digest)
        if lookup is None:
            lookup = asyncio.ensure_future(self._look_up(key, digest))
            self._lookups[digest] = lookup
            lookup.add_done_callback(lambda done: self._ended(digest, done))
        return await asyncio.shield(lookup)

    def _ended(self, digest: bytes, lookup: Future[Identity]) -> None:
        del self._lookups[digest]
        if not lookup.cancelled():
            lookup.exception()

    async def _look_up(self, key: _Presented, digest: bytes) -> Identity:
        believed_until_s = clock.monotonic_ns() / 1e9 + REMEMBERED_S
        stored = await self._store.find(key.id)
        if stored is None or not hmac.compare_digest(stored.digest, key.digest):
            self._refused.put(digest, value=True, expires_s=believed_until_s)
            raise refusal()
        identity = Identity("key", key.id, stored.plan, user=stored.user)
        self._proven.put(digest, identity, believed_until_s)
        return identity


class _Presented(NamedTuple):
    id: str
    digest: bytes


def _parsed(key: bytes) -> _Presented:
    form = _FORM.fullmatch(key)
    if form is None:
        raise refusal()
    return _Presented(form[1].decode("ascii"), digest_of(form[2]))


def refusal() -> CredentialRefused:
    """Refuse a key, in the same words whether it is malformed, unknown or revoked."""
    return CredentialRefused(Problem("key-invalid", "no such key is in force", FIELD))
