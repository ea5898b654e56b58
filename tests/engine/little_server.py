"""The little gateway behind HTTP, right or with one mistake: `python little_server.py [MISTAKE]`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from aiohttp import web

# Started by a judge from wherever it likes: the checkout is three folders up.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gatespec.clock import MonotonicClock
from tests.engine.little_gateway import LittleGateway

if TYPE_CHECKING:
    from collections.abc import Mapping


class FixedBuckets(LittleGateway):
    """Each window of the clock starts with a full limit."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - the port's own
        super().__init__(**given)
        self.buckets: Counter[tuple[str, int]] = Counter()

    def request(
        self, instance: int, method: str, path: str, headers: Mapping[str, str], credential: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str], bytes]:
        bucket = self.key(credential), self.clock.now_ms() // self.window_ms
        self.buckets[bucket] += 1
        if self.buckets[bucket] <= int(self.settings["GATEWAY_RATE_FREE"]):
            self.admitted.clear()
        return super().request(instance, method, path, headers, credential)


class NoRetryAfter(LittleGateway):
    """A refusal does not say when to come back."""

    def refusal(self, fields: dict[str, str], plan: str, seconds: int) -> dict[str, str]:
        return {n: v for n, v in super().refusal(fields, plan, seconds).items() if n != "Retry-After"}


class Mortal(LittleGateway):
    """Dies after a hundred requests."""

    asked = 0

    def request(self, *asked: Any) -> tuple[int, Mapping[str, str], bytes]:  # noqa: ANN401 - the port's own
        self.asked += 1
        if self.asked > 100:
            os._exit(9)
        return super().request(*asked)


MISTAKES = {"": LittleGateway, "fixed-buckets": FixedBuckets, "no-retry-after": NoRetryAfter, "mortal": Mortal}


def credential(request: web.Request) -> dict[str, str]:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not bearer:
        return {"kind": "ip", "name": request.headers.get("X-Forwarded-For", "127.0.0.1"), "plan": "free"}
    key = Path(os.environ["GATEWAY_JWT_PUBLIC_KEY_FILE"]).read_bytes()
    claims = jwt.decode(bearer, key, algorithms=["RS256"], audience=os.environ["GATEWAY_JWT_AUDIENCE"])
    default = "free" if claims["typ"] == "user" else "enterprise"
    return {"kind": claims["typ"], "name": claims["sub"], "plan": claims.get("plan", default)}


def application(gateway: LittleGateway) -> web.Application:
    async def offers(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        told = gateway.request(0, request.method, request.path_qs, headers, credential(request))
        return web.Response(status=told[0], headers=dict(told[1]), body=told[2])

    async def ready(request: web.Request) -> web.Response:
        del request
        return web.Response()

    app = web.Application()
    app.router.add_get("/health/ready", ready)
    app.router.add_route("*", "/api/{path:.*}", offers)  # all of it counts, whatever is asked
    return app


async def serve(mistake: str) -> None:
    make = MISTAKES[mistake]
    gateway = make(clock=MonotonicClock(), instances=1, settings=os.environ, redis_url=None)
    runner = web.AppRunner(application(gateway))
    await runner.setup()
    host, _, port = os.environ["GATEWAY_LISTEN"].rpartition(":")
    await web.TCPSite(runner, host, int(port)).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else ""))
