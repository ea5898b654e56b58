"""A gateway as small as a drill of Redis needs it, right or with one mistake: `python little_drilled.py [MISTAKE]`."""

from __future__ import annotations

import asyncio
import os
import sys
import tomllib
from collections import deque
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from redis.asyncio import Redis
from redis.exceptions import RedisError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gatespec.clock import MonotonicClock

ADMIT = """
local now = redis.call('TIME'); local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ms - ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ms, ms .. now[2] .. redis.call('ZCARD', KEYS[1])); return 1
"""
WINDOW_MS = int(float(os.environ.get("GATEWAY_RATE_WINDOW_S", "1")) * 1000)
TTL_MS = int(float(os.environ["GATEWAY_TTL_PRICING_S"]) * 1000)
LIMIT = int(os.environ["GATEWAY_RATE_FREE"])
HOARDED_BYTES = 2 * 2**20


class LittleDrilled:
    """Lists held in process, limits held in Redis."""

    def __init__(self, mistake: str, web_session: ClientSession) -> None:
        self.mistake = mistake
        self.clock, self.session = MonotonicClock(), web_session
        self.redis = Redis.from_url(os.environ["GATEWAY_REDIS_URL"], socket_timeout=0.2)
        file = tomllib.loads(Path(os.environ["GATEWAY_PROVIDERS_FILE"]).read_text(encoding="utf-8"))
        self.urls = {each["name"]: each["endpoint"][0]["url"] for each in file["provider"]}
        self.known: dict[str, tuple[int, float]] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        self.own: deque[int] = deque()
        self.gave_up = False
        self.is_away = False
        self.hoard: list[bytes] = []

    async def admits(self, request: web.Request) -> bool:
        """Limits strangers alone; with Redis away by a window of its own."""
        if "Authorization" in request.headers:
            await self.redis.ping()
            return True
        who = request.headers["X-Forwarded-For"]
        return bool(await self.redis.eval(ADMIT, 1, f"drilled:{who}", WINDOW_MS, LIMIT))

    def admits_alone(self, request: web.Request) -> bool:
        """Asked always, so that no more than a limit for each instance passes while Redis comes or goes."""
        if "Authorization" in request.headers:
            return True
        now = self.clock.now_ms()
        while self.own and self.own[0] <= now - WINDOW_MS:
            self.own.popleft()
        if len(self.own) < LIMIT:
            self.own.append(now)
            return True
        return False

    async def read(self, request: web.Request) -> web.Response:
        try:
            admitted = await self.admits(request) and self.admits_alone(request)
            self.is_away = False
        except (RedisError, OSError):
            self.is_away, self.gave_up = True, self.mistake == "never-recovers"
            if self.mistake == "hoards":
                self.hoard.append(b"x" * HOARDED_BYTES)
            if self.mistake == "fails-without-redis":
                return web.Response(status=500)
            admitted = self.admits_alone(request)
        if not admitted:
            return web.Response(status=429)
        names = request.query.getall("provider")
        if self.gave_up and all(name in self.known for name in names):
            prices = [self.known[name][1] for name in names]
            return _list(names, prices, "stale")
        return _list(names, [await self.price(name) for name in names], "")

    async def health(self, _: web.Request) -> web.Response:
        redis = "away" if self.is_away else "ok"
        return web.json_response({"status": "degraded" if self.is_away else "ok", "dependencies": {"redis": redis}})

    async def price(self, name: str) -> float:
        async with self.locks.setdefault(name, asyncio.Lock()):
            if name not in self.known or self.clock.now_ms() >= self.known[name][0] + TTL_MS:
                began = self.clock.now_ms()
                self.known[name] = began, await self.ask(name)
            return self.known[name][1]

    async def ask(self, name: str) -> float:
        vault, mount = os.environ["GATEWAY_VAULT_ADDR"], os.environ["GATEWAY_VAULT_MOUNT"]
        proof = {word: os.environ[f"GATEWAY_VAULT_{word.upper()}"] for word in ("role_id", "secret_id")}
        login = await self._json("POST", f"{vault}/v1/auth/approle/login", json=proof)
        token = {"X-Vault-Token": login["auth"]["client_token"]}
        held = await self._json("GET", f"{vault}/v1/{mount}/data/providers/{name}", headers=token)
        bearer = {"Authorization": f"Bearer {held['data']['data']['api_key']}"}
        told = await self._json("GET", f"{self.urls[name]}/api/v1/instance-types", headers=bearer)
        (machine,) = told["data"].values()
        return float(machine["instance_type"]["price_cents_per_hour"]) / 100

    async def _json(self, method: str, url: str, **more: Any) -> Any:  # noqa: ANN401 - aiohttp's own words, and JSON
        async with self.session.request(method, url, **more) as answer:
            answer.raise_for_status()
            return await answer.json()


def _list(names: list[str], prices: list[float], code: str) -> web.Response:
    items = [{"provider": name, "price_per_hour": price} for name, price in zip(names, prices, strict=True)]
    warnings = [{"code": code, "provider": name, "detail": "", "as_of": None} for name in names if code]
    return web.json_response({"items": items, "warnings": warnings})


async def _well(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _app(mistake: str) -> web.Application:
    app = web.Application()
    little = LittleDrilled(mistake, ClientSession())
    app.router.add_get("/api/v2/providers", little.read)
    app.router.add_get("/health", little.health)
    for path in ("/health/ready", "/health/live"):
        app.router.add_get(path, _well)
    return app


if __name__ == "__main__":
    host, _, port = os.environ["GATEWAY_LISTEN"].rpartition(":")
    web.run_app(_app(sys.argv[1] if len(sys.argv) > 1 else ""), host=host, port=int(port), print=None)
