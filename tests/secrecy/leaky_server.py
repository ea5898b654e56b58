"""A gateway of one page, right or with one leak: `python leaky_server.py [LEAK]`.

It shares nothing with the reference: it reads offers of lambda alone, keeps what it was told in Redis, and issues keys.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
import tomllib
import traceback
from typing import Any

import aiohttp
import redis.asyncio as redis
from aiohttp import web

LEAK = sys.argv[1] if len(sys.argv) > 1 else ""
ENV = os.environ
TTL_S = float(ENV.get("GATEWAY_TTL_PRICING_S", "60"))


class Gateway:
    def __init__(self) -> None:
        with open(ENV["GATEWAY_PROVIDERS_FILE"], "rb") as file:  # noqa: PTH123 - a gateway of one page
            self.providers = {each["name"]: each["endpoint"][0]["url"] for each in tomllib.load(file)["provider"]}
        self.redis = redis.Redis.from_url(ENV["GATEWAY_REDIS_URL"])
        self.used: set[str] = set()
        self.session: aiohttp.ClientSession | None = None
        self.token = ""

    async def get(self, url: str, **headers: str) -> tuple[int, Any]:
        self.session = self.session or aiohttp.ClientSession()
        async with self.session.get(url, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.read()

    async def vault(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        self.session = self.session or aiohttp.ClientSession()
        asked = f"{ENV['GATEWAY_VAULT_ADDR']}/v1/{path}"
        async with self.session.request(method, asked, json=body, headers={"X-Vault-Token": self.token}) as answer:
            return await answer.json() if answer.status == 200 else {}

    async def credential(self, provider: str) -> str:
        if not self.token:
            role = {"role_id": ENV["GATEWAY_VAULT_ROLE_ID"], "secret_id": ENV["GATEWAY_VAULT_SECRET_ID"]}
            self.token = (await self.vault("POST", "auth/approle/login", role))["auth"]["client_token"]
        found = await self.vault("GET", f"{ENV['GATEWAY_VAULT_MOUNT']}/data/providers/{provider}")
        return str(found["data"]["data"]["api_key"])

    async def offers(self, request: web.Request) -> web.Response:
        warnings: list[dict[str, Any]] = []
        items: list[Any] = []
        fields = {}
        for name in request.query.getall("provider", []):
            key = await self.credential(name)
            self.used.add(key)
            status, body = await self.called(name, key)
            if status == 200:
                items += json.loads(body)["data"].values()
                await self.kept(name, key, body)
            else:
                detail = body.decode("latin-1") if LEAK == "error-echo" else "the provider refuses"
                warnings.append({"code": "unavailable", "provider": name, "detail": detail, "as_of": None})
            if LEAK == "response-header":
                fields["X-Upstream-Authorization"] = f"Bearer {key}"
        page = {"items": [], "total": len(items), "next_cursor": None, "snapshot_id": "x", "warnings": warnings}
        return web.json_response({**page, "as_of": "2026-01-01T00:00:00Z"}, headers=fields)

    async def called(self, name: str, key: str) -> tuple[int, bytes]:
        url = f"{self.providers[name]}/api/v1/instance-types"
        if LEAK == "log-line":
            log({"message": "calling", "headers": {"Authorization": f"Bearer {key}"}})
        if LEAK == "url":
            log(f"GET {url}?api_key={key} HTTP/1.1")
        status, body = await self.get(url, Authorization=f"Bearer {key}")
        if LEAK == "exception" and status != 200:
            traceback.print_exception(RuntimeError(f"refused with {status}: {{'Authorization': 'Bearer {key}'}}"))
        return status, body

    async def kept(self, name: str, key: str, body: bytes) -> None:
        kept = {"list": body.decode(), **({"read_with": key} if LEAK == "base64-in-redis" else {})}
        await self.redis.set(f"list:{name}", base64.b64encode(json.dumps(kept).encode()), px=int(TTL_S * 1000) + 60_000)

    async def metrics(self, _: web.Request) -> web.Response:
        lines = ["up 1"]
        if LEAK == "metric-label":
            lines += [f'calls{{credential="{key}"}} 1' for key in self.used]
        return web.Response(text="\n".join(lines))

    async def integrate(self, request: web.Request) -> web.Response:
        text = await request.text()
        try:
            credential = json.loads(text)["credential"]["api_key"]
        except (ValueError, KeyError, TypeError):
            detail = f"not a credential: {text}" if LEAK == "422-echo" else "not a credential"
            return problem(422, detail)
        return web.json_response({"provider": "x", "fields": ["api_key"] if credential else []}, status=201)

    async def make_key(self, request: web.Request) -> web.Response:
        """A repeat is answered with what Redis remembers of the first."""
        place = f"repeat:{request.headers.get('Idempotency-Key', secrets.token_hex())}"
        made = {"id": secrets.token_hex(8), "api_key": f"gk-{secrets.token_hex(16)}"}
        remembered = made if LEAK == "idempotent-repetition" else {**made, "api_key": None}
        first = await self.redis.set(place, json.dumps(remembered), nx=True)
        return web.json_response(made if first else json.loads(await self.redis.get(place) or "{}"), status=201)


def log(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def problem(status: int, detail: str) -> web.Response:
    return web.json_response({"status": status, "detail": detail}, status=status)


async def nothing(_: web.Request) -> web.Response:
    return problem(404, "nothing here")


async def ready(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def application() -> web.Application:
    gateway, app = Gateway(), web.Application()
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", gateway.metrics)
    app.router.add_get("/api/v2/providers", gateway.offers)
    app.router.add_post("/api/v2/providers/config/integrations", gateway.integrate)
    app.router.add_post("/api/v2/auth/api-keys", gateway.make_key)
    app.router.add_route("*", "/{rest:.*}", nothing)
    return app


if __name__ == "__main__":
    log({"message": "started"})
    host, _, port = ENV["GATEWAY_LISTEN"].rpartition(":")
    web.run_app(application(), host=host, port=int(port), print=None)
