"""Login, refresh and logout of users, and tokens for services. Answers: RFC 6749 section 5.1, never cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import structlog
from pydantic import StringConstraints

from reference_gateway.core.answers import Answer
from reference_gateway.core.problems import Problem
from reference_gateway.edge.auth.passwords import PASSWORD_MAX_CHARS, TooManyPasswords
from reference_gateway.edge.auth.sessions import Reused
from reference_gateway.edge.auth.tokens_issued import granted, tokens_of
from reference_gateway.edge.database import RETRY_S
from reference_gateway.edge.json_bodies import Strict, barred, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_gateway.edge.auth.attempts import Attempts
    from reference_gateway.edge.auth.passwords import Passwords
    from reference_gateway.edge.auth.people import People, Person
    from reference_gateway.edge.auth.revocations import Revocations
    from reference_gateway.edge.auth.sessions import Session, Sessions
    from reference_gateway.edge.auth.tokens_issued import TokenIssuer
    from reference_gateway.edge.requests import Request

USERNAME_MAX_CHARS: Final = 64
TOKEN_MAX_CHARS: Final = 256
NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]+$"
MS_PER_S: Final = 1000

DATABASE_AWAY: Final = Problem(
    "database-unavailable", "the database that this needs does not answer", retry_after_s=RETRY_S
)
_BUSY = Problem("overloaded", "too many sign in at once", retry_after_s=RETRY_S)
_WRONG = Problem("login-invalid", "no such name and secret are in force together")
_REFRESH = Problem("refresh-invalid", "no such refresh token is in force", "refresh_token")
_NO_SESSION = Problem(
    "field-invalid", "refresh_token: it is required where the access token belongs to no session", "refresh_token"
)

Name = Annotated[str, StringConstraints(min_length=1, max_length=USERNAME_MAX_CHARS, pattern=NO_CONTROLS)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_MAX_CHARS, pattern=r"^[!-~]+$")]


class Login(Strict):
    """A user and his password."""

    username: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=PASSWORD_MAX_CHARS)]


class Refresh(Strict):
    """A refresh token, to be used up."""

    refresh_token: Token


class Logout(Strict):
    """Which session ends, where the access token does not say it."""

    refresh_token: Token | None = None


class ServiceToken(Strict):
    """A service, its secret, and which of its scopes are wanted: all where none is named."""

    service_id: Name
    secret: Token
    scope: Annotated[str, StringConstraints(max_length=TOKEN_MAX_CHARS, pattern=r"^[!-~ ]*$")] | None = None


class Doors(NamedTuple):
    """What signing in stands on."""

    people: People
    passwords: Passwords
    attempts: Attempts
    sessions: Sessions
    revocations: Revocations
    issuer: TokenIssuer
    address_of: Callable[[Request], str]
    seen: Callable[[str, str], None]
    """Counts what was asked for, and how it ended."""


class SignIn:
    """The routes under /api/v2/auth/ that give and take tokens. All of them raise `DatabaseAway`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    @property
    def issues(self) -> bool:
        """Whether there is a key to sign tokens with."""
        return self._doors.issuer.issues

    async def login(self, request: Request, body: bytes) -> Answer | Problem:
        """Begin a session."""
        asked = parsed(Login, request, body)
        if isinstance(asked, Problem):
            return asked
        address = self._doors.address_of(request)
        wait_ms = await self._doors.attempts.begin(asked.username, address)
        if wait_ms:
            return self._locked(wait_ms)
        person = await self._verified(asked)
        if not isinstance(person, Problem):
            await self._doors.attempts.succeeded(asked.username, address)
            session, refresh = await self._doors.sessions.begin(person.id, person.plan, request.operation)
            return self._came("login", session, refresh)
        return person

    async def refresh(self, request: Request, body: bytes) -> Answer | Problem:
        """Go on with a session."""
        asked = parsed(Refresh, request, body)
        if isinstance(asked, Problem):
            return asked
        try:
            found = await self._doors.sessions.refresh(asked.refresh_token, request.operation)
        except Reused as reused:
            return self._reused(reused.session)
        if found is None:
            self._doors.seen("refresh", "refused")
            return _REFRESH
        return self._came("refresh", *found)

    async def logout(self, request: Request, body: bytes) -> Answer | Problem:
        """End a session; one that has ended, or is another's, ends without a word (RFC 7009 section 2.2)."""
        if (problem := barred(request)) is not None:
            return problem
        asked = parsed(Logout, request, body or b"{}")
        if isinstance(asked, Problem):
            return asked
        own = "" if request.identity is None else request.identity.session
        if not own and asked.refresh_token is None:
            return _NO_SESSION
        named = await self._doors.sessions.of(asked.refresh_token, request.user) if asked.refresh_token else None
        for session in {own, named or ""} - {""}:
            await self._ended(session)
        self._doors.seen("logout", "ok")
        return Answer(204, (("cache-control", "no-store"),))

    async def service_token(self, request: Request, body: bytes) -> Answer | Problem:
        """Issue a service's token."""
        asked = parsed(ServiceToken, request, body)
        if isinstance(asked, Problem):
            return asked
        service = await self._doors.people.service(asked.service_id)
        scopes = granted(service, asked.secret, asked.scope)
        if scopes is None:
            self._doors.seen("service-token", "refused")
            return _WRONG
        if isinstance(scopes, Problem):
            return scopes
        self._doors.seen("service-token", "ok")
        return tokens_of(self._doors.issuer.service(asked.service_id, scopes))

    async def _verified(self, asked: Login) -> Person | Problem:
        person = await self._doors.people.user(asked.username)
        hashed = None if person is None else person.password_hash
        try:
            right = await self._doors.passwords.verify(hashed, asked.password)
            if person is None or hashed is None or not right:
                self._doors.seen("login", "refused")
                return _WRONG
            if newer := await self._doors.passwords.rehashed(hashed, asked.password):
                await self._doors.people.rehash(person, newer)
        except TooManyPasswords:
            self._doors.seen("login", "overloaded")
            return _BUSY
        return person

    def _locked(self, wait_ms: int) -> Problem:
        self._doors.seen("login", "locked")
        wait_s = -(-wait_ms // MS_PER_S)
        return Problem("login-locked", f"too many tries; wait {wait_s} s", retry_after_s=wait_s)

    def _came(self, how: str, session: Session, refresh_token: str) -> Answer:
        self._doors.seen(how, "ok")
        return tokens_of(self._doors.issuer.user(session), refresh_token=refresh_token, session=session)

    def _reused(self, session: str) -> Problem:
        self._doors.revocations.learn("session", session, self._doors.issuer.dead_s())
        structlog.get_logger().warning("refresh token used again; its session has ended", session=session)
        self._doors.seen("refresh", "reused")
        return _REFRESH

    async def _ended(self, session: str) -> None:
        await self._doors.sessions.end(session)
        self._doors.revocations.learn("session", session, self._doors.issuer.dead_s())
