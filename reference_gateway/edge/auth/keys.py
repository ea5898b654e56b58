"""API keys as their users see them: made, listed and revoked. The key itself is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import orjson
from pydantic import StringConstraints

from reference_gateway.core.answers import Answer
from reference_gateway.core.problems import Problem
from reference_gateway.edge.api_keys import key_named
from reference_gateway.edge.auth.sign_in import NO_CONTROLS
from reference_gateway.edge.json_bodies import Strict, barred, parsed
from reference_gateway.edge.key_table import KEYS_OF_USER_MAX, TooManyKeys

if TYPE_CHECKING:
    from reference_gateway.edge.api_keys import ApiKeys
    from reference_gateway.edge.key_table import KeyRow, KeyTable
    from reference_gateway.edge.requests import Request

KEY_NAME_MAX_CHARS: Final = 100
_ABSENT = Problem("not-found", "you have no API key of this id")
_FULL = Problem("keys-exhausted", f"a user has at most {KEYS_OF_USER_MAX} API keys; delete one first")


class NewApiKey(Strict):
    """What its user calls a key."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=KEY_NAME_MAX_CHARS, pattern=NO_CONTROLS)]


class KeyRoutes:
    """The routes under /api/v2/auth/api-keys. All of them raise `DatabaseAway`."""

    def __init__(self, table: KeyTable, proven: ApiKeys) -> None:
        self._table = table
        self._proven = proven

    async def create(self, request: Request, body: bytes) -> Answer | Problem:
        """Make a key; the operation names it, so that doing it again makes no second one."""
        if (problem := barred(request)) is not None:
            return problem
        asked = parsed(NewApiKey, request, body)
        if isinstance(asked, Problem):
            return asked
        key = key_named(request.operation[:16])
        plan = "free" if request.identity is None else request.identity.plan
        try:
            row, plan = await self._table.add(request.user, plan, asked.name, key)
        except TooManyKeys:
            return _FULL
        return _json(201, {**_shown(row), "plan": plan, "api_key": key.text})

    async def list(self, request: Request) -> Answer | Problem:
        """Name the user's keys."""
        if (problem := barred(request)) is not None:
            return problem
        return _json(200, {"items": [_shown(row) for row in await self._table.of(request.user)]})

    async def delete(self, request: Request, key_id: str) -> Answer | Problem:
        """Revoke a key: here at once, elsewhere when it is looked up again."""
        if (problem := barred(request)) is not None:
            return problem
        if not await self._table.revoke(request.user, key_id):
            return _ABSENT
        self._proven.forget(key_id)
        return Answer(204, (("cache-control", "no-store"),))


def _shown(row: KeyRow) -> dict[str, object]:
    return {"id": row.id, "name": row.name, "created_at": row.created_at.isoformat().replace("+00:00", "Z")}


def _json(status: int, document: dict[str, object]) -> Answer:
    fields = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Answer(status, fields, orjson.dumps(document))
