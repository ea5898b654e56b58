"""Users by commands: made, given plans and passwords, revoked and restored."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, NamedTuple

from reference_gateway.edge.admin.changing import AccountsFailed, changing, held, note, now
from reference_gateway.edge.api_keys import new_key
from reference_gateway.edge.auth.passwords import PASSWORD_MAX_CHARS, hasher
from reference_gateway.edge.auth.people import canonical
from reference_gateway.store.models import ApiKey, Session, User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference_gateway.edge.api_keys import NewKey

LISTED_MAX = 1_000
PASSWORD_BYTES = 24


class _Made(NamedTuple):
    user: User
    key: NewKey
    password: str | None

    def line(self) -> str:
        """All that is known of it, this once."""
        said = {"user_id": self.user.id, "plan": self.user.plan, "api_key": self.key.text}
        login = {"username": self.user.username, "password": self.password} if self.password else {}
        return json.dumps({**said, **login})


def create_users(plan: str, count: int, *, with_password: bool = False) -> Iterator[str]:
    """Make users, each with one key, all or none; yield a JSON line for each. Raises `AccountsFailed`.

    With a password each can sign in, by his id and a password that nobody else knows.
    """
    made = [_make(plan, with_password=with_password) for _ in range(count)]
    with changing("create users"):
        User.objects.bulk_create(each.user for each in made)
        ApiKey.objects.bulk_create(
            ApiKey(id=key.id, user=user, hash=key.digest, created_at=user.created_at) for user, key, _ in made
        )
    for each in made:
        yield each.line()


def _make(plan: str, *, with_password: bool) -> _Made:
    user = User(id=f"u_{secrets.token_hex(8)}", plan=plan, created_at=now())
    password = secrets.token_urlsafe(PASSWORD_BYTES) if with_password else None
    if password is not None:
        user.username, user.password_hash = user.id, hasher.hash(password)
    return _Made(user, new_key(), password)


def set_password(user_id: str, username: str | None, password: str) -> str:
    """Have a user sign in with another password, and end his sessions; raises `AccountsFailed`."""
    if not 1 <= len(password) <= PASSWORD_MAX_CHARS:
        raise AccountsFailed(f"a password has 1 to {PASSWORD_MAX_CHARS} characters, and comes on stdin")
    with changing("set the password"):
        user = held(User, user_id)
        user.username = canonical(username) if username else user.username
        if user.username is None:
            raise AccountsFailed(f"user {user_id} has no name to sign in with; give him one with --username")
        user.password_hash = hasher.hash(password)
        user.save()
        _end_sessions(user_id)
    return _line(user)


def change_plan(user_id: str, plan: str) -> str:
    """Put a user, and his API keys, on another plan; tokens keep the one they were issued with until they expire."""
    with changing("change the plan"):
        user = held(User, user_id)
        user.plan = plan
        user.save()
    return _line(user)


def revoke_user(user_id: str) -> str:
    """Refuse all that proves a user, on every instance within 5 s."""
    with changing("revoke the user"):
        user = held(User, user_id)
        user.revoked_at = user.revoked_at or now()
        user.save()
        _end_sessions(user_id)
        note("user", user_id, in_force=True)
    return _line(user)


def restore_user(user_id: str) -> str:
    """Let a revoked user in again; the sessions that he had stay ended."""
    with changing("restore the user"):
        user = held(User, user_id)
        user.revoked_at = None
        user.save()
        note("user", user_id, in_force=False)
    return _line(user)


def list_users() -> Iterator[str]:
    """Yield a JSON line for each of the newest users; raises `AccountsFailed`."""
    with changing("list users"):
        users = list(User.objects.order_by("-created_at", "id")[:LISTED_MAX])
    for user in users:
        yield _line(user)


def _end_sessions(user_id: str) -> None:
    live = Session.objects.filter(user_id=user_id, ended_at=None)
    for session in list(live.values_list("id", flat=True)):
        note("session", session, in_force=True, for_good=False)
    live.update(ended_at=now())


def _line(user: User) -> str:
    shown = {"user_id": user.id, "plan": user.plan, "username": user.username}
    return json.dumps({**shown, "revoked": user.revoked_at is not None})
