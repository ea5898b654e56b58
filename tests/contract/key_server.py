"""A gateway that keeps API keys and nothing else, right or with one mistake: `python key_server.py [MISTAKE]`.

It shares nothing with the reference, and answers three operations of the contract by the contract's own words.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import tomllib
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import web

MISTAKE = sys.argv[1] if len(sys.argv) > 1 else ""
ENV = os.environ
PATH = "/api/v2/auth/api-keys"
CODES = {each["code"]: each for each in tomllib.loads(open(sys.argv[2], encoding="utf-8").read())["error"]}  # noqa: PTH123, SIM115 - one page
KEYS: defaultdict[str, dict[str, dict[str, str]]] = defaultdict(dict)
DONE: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
PUBLIC = open(ENV["GATEWAY_JWT_PUBLIC_KEY_FILE"], "rb").read()  # noqa: PTH123, SIM115 - as above


class Problem(Exception):  # noqa: N818 - what is answered
    def __init__(self, code: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code, self.field = code, field


def who(request: web.Request) -> str:
    """The user; raises `Problem`."""
    sent = request.headers.getall("Authorization", []), request.headers.getall("X-API-Key", [])
    if len(sent[0]) + len(sent[1]) > 1:
        raise Problem("header-invalid", "Authorization")
    if sent[1]:
        raise Problem("key-invalid", "X-API-Key")
    if not sent[0]:
        if MISTAKE == "auth-not-enforced" and request.method == "GET":
            return "anybody"
        raise Problem("token-missing", "Authorization")
    try:
        claims = jwt.decode(
            sent[0][0].removeprefix("Bearer "), PUBLIC, ["RS256"], issuer=ENV["GATEWAY_JWT_ISSUER"],
            audience=ENV["GATEWAY_JWT_AUDIENCE"], options={"require": ["exp", "sub"]},
        )  # fmt: skip # one call
    except jwt.ExpiredSignatureError:
        raise Problem("token-expired", "Authorization") from None
    except (jwt.PyJWTError, ValueError):
        raise Problem("token-invalid", "Authorization") from None
    known = claims["sub"] and claims.get("plan", "free") in {"free", "pro", "enterprise"}
    if not known or "kid" in jwt.get_unverified_header(sent[0][0][7:]):
        raise Problem("token-invalid", "Authorization")
    if claims["typ"] != "user":
        raise Problem("user-required")
    return str(claims["sub"])


async def name_of(request: web.Request) -> str:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise Problem("request-malformed") from None
    if not isinstance(body, dict):
        raise Problem("request-malformed")
    for field in body:
        if field != "name" and MISTAKE != "unknown-field-accepted":
            raise Problem("field-unknown", field or "name")
    name = body.get("name")
    if name is None and "name" in body and MISTAKE == "500-on-a-null":
        raise RuntimeError("null has no length")
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= 100
        or CONTROLS.search(name)
        or (not name.isprintable() and CONTROLS.search(name))
    ):
        raise Problem("field-invalid", "name")
    return name


async def keys(request: web.Request, key_id: str | None) -> tuple[int, dict[str, Any] | None]:
    user = who(request)
    if key_id is not None:
        if KEYS[user].pop(key_id, None) is None:
            raise Problem("not-found")
        return 204, None
    if request.method == "GET":
        return 200, {"items": list(KEYS[user].values())}
    name, key = await name_of(request), request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[!-~]{1,255}", key):
        raise Problem("header-invalid", "Idempotency-Key")
    if key is not None and (user, key) in DONE:
        before, answer = DONE[user, key]
        if before != name:
            raise Problem("idempotency-mismatch", "Idempotency-Key")
        return 201, {**answer, "api_key": None}
    made = {"id": secrets.token_hex(8), "name": name, "created_at": datetime.now(UTC).isoformat()}  # noqa: DTZ005, RUF100, TID251 - a gateway's own clock
    KEYS[user][made["id"]] = made
    answer = {**made, "plan": "pro", "api_key": f"gk_{made['id']}_{secrets.token_hex(16)}"}
    if key is not None:
        DONE[user, key] = name, answer
    return (207 if MISTAKE == "undocumented-status" else 201), answer


async def routed(request: web.Request, fields: dict[str, str]) -> tuple[int, dict[str, Any] | None]:
    route = re.fullmatch(rf"{PATH}(?:/([^/]+))?", request.path)
    if route is None:
        raise Problem("not-found")
    allowed = ("DELETE",) if route[1] else ("GET", "HEAD", "POST")
    if request.method not in allowed:
        fields["Allow"] = ", ".join(allowed)
        raise Problem("method-not-allowed")
    return await keys(request, route[1])


async def answer(request: web.Request) -> web.Response:
    sent = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", request.headers.get("traceparent", ""))
    trace = sent[1] if sent and MISTAKE != "trace-not-kept" else secrets.token_hex(16)
    fields = {"RateLimit": '"pro";r=9;t=1', "RateLimit-Policy": '"pro";q=10;w=1', "Cache-Control": "no-store"}
    if MISTAKE != "missing-header":
        fields["X-Trace-Id"] = trace
    try:
        status, document = await routed(request, fields)
    except Problem as problem:
        return refused(problem, fields, trace)
    except RuntimeError:
        return refused(Problem("internal"), fields, trace)
    if document is None:
        return web.Response(status=status, headers=fields)
    kind = "text/html" if MISTAKE == "wrong-content-type" else "application/json"
    return web.Response(status=status, body=json.dumps(document).encode(), headers={**fields, "Content-Type": kind})


def refused(problem: Problem, fields: dict[str, str], trace: str) -> web.Response:
    row = CODES[problem.code]
    body = {"type": f"urn:gatespec:error:{problem.code}", "title": row["title"], "status": row["status"]}
    body |= {"detail": row["when"][:200], "code": problem.code, "trace_id": trace}
    if problem.field is not None:
        body["field"] = problem.field
    if MISTAKE == "problem-without-code":
        del body["code"]
    if row["status"] == 401:
        fields["WWW-Authenticate"] = "Bearer"
    kind = {"Content-Type": "application/problem+json"}
    return web.Response(status=row["status"], body=json.dumps(body).encode(), headers={**fields, **kind})


async def ready(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def document(_: web.Request) -> web.Response:
    paths: dict[str, dict[str, Any]] = {PATH: {"get": {}, "post": {}}, f"{PATH}/{{id}}": {"delete": {}}}
    if MISTAKE == "not-in-its-document":
        del paths[PATH]["post"]
    return web.json_response({"openapi": "3.1.0", "info": {}, "paths": paths})


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/api/v2/openapi.json", document)
    app.router.add_route("*", "/{rest:.*}", answer)
    host, _, port = ENV["GATEWAY_LISTEN"].rpartition(":")
    web.run_app(app, host=host, port=int(port), print=None)
