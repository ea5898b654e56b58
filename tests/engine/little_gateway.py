"""A right gateway in the fewest lines, written apart from the reference: what the judge's own tests are played on."""

from __future__ import annotations

import json
from collections import defaultdict
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.clock import Clock

ETAG = 'W/"1"'


class LittleGateway:
    """A component driver whose every rule is one overridable line."""

    def __init__(self, *, clock: Clock, instances: int, settings: Mapping[str, str], redis_url: str | None) -> None:
        del redis_url
        self.clock = clock
        self.settings = settings
        self.skew_ms = [0] * instances
        self.window_ms = int(float(settings["GATEWAY_RATE_WINDOW_S"]) * 1000)
        self.admitted: defaultdict[str, list[int]] = defaultdict(list)

    def request(
        self, instance: int, method: str, path: str, headers: Mapping[str, str], credential: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str], bytes]:
        del instance, method
        plan, key, now = credential["plan"], self.key(credential), self.clock.now_ms()
        limit = int(self.settings[f"GATEWAY_RATE_{plan.upper()}"])
        inside = [at for at in self.admitted[key] if at > now - self.window_ms]
        fields = {"RateLimit-Policy": f'"{plan}";q={limit};w={-(-self.window_ms // 1000)}'}
        if len(inside) >= limit:
            seconds = -(-(inside[-limit] + self.window_ms - now) // 1000)
            return 429, self.refusal(fields, plan, seconds), self.problem()
        self.admitted[key] = [*inside, now]
        fields["RateLimit"] = f'"{plan}";r={limit - len(inside) - 1};t=1'
        if "?" in path:
            return 422, fields, b"{}"
        return (304 if headers.get("if-none-match") == ETAG else 200), {**fields, "ETag": ETAG}, b""

    def key(self, credential: Mapping[str, Any]) -> str:
        name = credential["name"]
        if ":" in name:
            name = ip_network(f"{name}/64", strict=False)
        return f"{credential['kind']}:{name}"

    def refusal(self, fields: dict[str, str], plan: str, seconds: int) -> dict[str, str]:
        return {
            **fields,
            "RateLimit": f'"{plan}";r=0;t={seconds}',
            "Retry-After": str(seconds),
            "Content-Type": "application/problem+json",
        }

    def problem(self) -> bytes:
        members = {"type": "about:blank", "title": "t", "status": 429, "detail": "d", "code": "c", "trace_id": "0"}
        return json.dumps(members).encode()

    def close(self) -> None:
        self.admitted.clear()
