"""The served OpenAPI document names what is served, and all of it is served as it says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from gatespec.clock import until
from reference_gateway.core.answers import Entry, entry
from reference_gateway.edge.internal import INVALIDATE
from reference_gateway.edge.metrics import Metrics
from reference_gateway.edge.operations import Operations
from reference_gateway.edge.routes import AUTH, INTEGRATION, INTEGRATIONS
from tests.gateway_edge.edge_wire import ROOT

if TYPE_CHECKING:
    from tests.gateway_edge.edge_wire import Instance, Reply, Signing, Upstream

DOCUMENT: dict[str, Any] = json.loads((ROOT / "reference_gateway" / "edge" / "openapi.json").read_bytes())
LIST, PAGE, READY = "/api/v2/providers", "/api/v2/openapi.json", "/health/ready"
OFFER, CATALOG, STATE = f"{LIST}/{{offer_id}}", f"{LIST}/catalog", f"{LIST}/health"
KNOWN, UNKNOWN = "a5d64f2de679a88a", "0" * 16
"""Ids of the one offer that lambda has, and of none."""
OF_EVERY_ANSWER = {"content-type", "content-length", "date", "server", "connection", "idempotency-replayed"}
SOON_MS = 10_000
EXAMPLES = {"gpu_type": "H100", "gpu": "H100", "region": "us-west", "availability": "limited", "sort": "price"}
"""Of the parameters to which 1 means nothing."""
SHOW_NINJA = """
import json
from reference_gateway.edge import site
site.configure("postgresql://nobody@127.0.0.1/none")
from reference_gateway.edge.api import Routes
from reference_gateway.edge.auth.keys import KeyRoutes
from reference_gateway.edge.auth.sign_in import SignIn
paths = Routes(None, None, SignIn(None), KeyRoutes(None, None)).api.get_openapi_schema(path_prefix="/api/v2")["paths"]
print(json.dumps({path: list(item) for path, item in paths.items()}))
"""

pytestmark = pytest.mark.usefixtures("upstream")


@dataclass(frozen=True)
class World:
    """Gateways in every mood that an answer needs."""

    gateway: Instance
    slow_window: Instance
    unreached: Instance
    hasty: Instance
    forgetful: Instance
    upstream: Upstream
    signing: Signing
    address: dict[str, str]
    database: str

    def known(self, path: str) -> dict[str, str]:
        return {"If-None-Match": self.gateway.ask(path).headers["etag"]}

    def barred(self, path: str) -> Reply:
        replies = [self.slow_window.ask(path, self.address) for _ in range(6)]
        return replies[-1]

    def late(self, path: str) -> Reply:
        self.upstream.says(held=True)
        return self.hasty.ask(path)

    def expired(self, path: str) -> Reply:
        cursor = self.forgetful.ask(f"{path}?limit=1").json["next_cursor"]
        return self.forgetful.ask(f"{path}?limit=1&cursor={cursor}")

    def invalidates(self, body: bytes = b'{"provider": "lambda"}', **claims: str) -> Reply:
        said = {**self.signing.bearer(typ="service", **{"scope": "operate", **claims}), "X-Correlation-Id": "why-4711"}
        return self.gateway.ask(INVALIDATE, said, "POST", body)

    def running(self, path: str) -> Reply:
        """As if the first were at work: its answer is taken back from the table."""
        who = {**self.signing.bearer(typ="service", scope="operate"), "Idempotency-Key": "running"}
        self.gateway.ask(path, who, "POST", b'{"provider": "lambda"}')
        with psycopg.connect(self.database) as connection:
            connection.execute("UPDATE store_operation SET status = NULL, running_until_ms = 9e12::bigint")
        return self.gateway.ask(path, who, "POST", b'{"provider": "lambda"}')


Way = Callable[[World, str], "Reply"]


async def nothing() -> dict[str, object]:
    return {}


async def nobody() -> Entry:
    return entry(b"{}")


OPERATIONS = Operations(Metrics(), lambda: b"", nothing, nobody).paths
COUNTED: dict[int, Way] = {
    200: lambda world, path: world.gateway.ask(path, world.signing.bearer()),
    400: lambda world, path: world.gateway.ask(path, {"Authorization": "Bearer x", "X-API-Key": "x"}),
    401: lambda world, path: world.gateway.ask(path, {"Authorization": "Bearer x"}),
    405: lambda world, path: world.gateway.ask(path, method="POST"),
    413: lambda world, path: world.gateway.ask(path, {"Content-Length": "1048577"}),
    414: lambda world, path: world.gateway.ask(f"{path}?{'a' * 9000}"),
    429: lambda world, path: world.barred(path),
    431: lambda world, path: world.gateway.ask(path, {"X-Big": "x" * 40_000}),
    503: lambda world, path: world.unreached.ask(
        path, {**world.address, "X-API-Key": "gk_0123456789abcdef_" + "A" * 43}
    ),
}
UNCOUNTED: dict[int, Way] = {
    200: lambda world, path: world.gateway.ask(path),
    405: lambda world, path: world.gateway.ask(path, method="DELETE"),
}
OF_READS: dict[int, Way] = {
    304: lambda world, path: world.gateway.ask(path, world.known(path)),
    422: lambda world, path: world.gateway.ask(f"{path}?nonsense=1"),
    504: lambda world, path: world.late(path),
}
OF_INVALIDATION: dict[int, Way] = {
    202: lambda world, _: world.invalidates(),
    400: lambda world, _: world.invalidates(b"[]"),
    401: lambda world, path: world.gateway.ask(path, method="POST"),
    403: lambda world, _: world.invalidates(scope="read"),
    404: lambda world, _: world.invalidates(b'{"provider": "nobody"}'),
    405: lambda world, path: world.gateway.ask(path),
    413: lambda world, _: world.invalidates(b" " * 5000),
    422: lambda world, _: world.invalidates(b'{"provider": "lambda", "colour": 1}'),
    503: lambda world, path: world.unreached.ask(path, {"X-API-Key": "gk_0123456789abcdef_" + "A" * 43}, "POST"),
}
WAYS: dict[tuple[str, int], Way] = {
    **{(path, status): way for path in (LIST, OFFER, CATALOG, PAGE) for status, way in COUNTED.items()},
    **{(path, status): way for path in (LIST, OFFER, CATALOG) for status, way in OF_READS.items()},
    **{(path, status): way for path in OPERATIONS for status, way in UNCOUNTED.items()},
    **{(INVALIDATE, status): way for status, way in OF_INVALIDATION.items()},
    (LIST, 410): lambda world, path: world.expired(path),
    (OFFER, 404): lambda world, _: world.gateway.ask(f"{LIST}/{UNKNOWN}"),
    (INVALIDATE, 409): lambda world, path: world.running(path),
    (STATE, 304): lambda world, path: world.gateway.ask(path, world.known(path)),
}
ELSEWHERE = {INTEGRATIONS, INTEGRATION} | {path for path in DOCUMENT["paths"] if path.startswith(AUTH)}
"""Asked in files of their own, where there is a Vault to break, and where there are people."""
UNASKED = {*((path, 500) for path in (LIST, OFFER, CATALOG, PAGE)), (READY, 503)}
"""A defect has no way to it; how an instance drains has its own test."""


def named(document: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {
        (path, method, int(status))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        for status in operation["responses"]
    }


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    found: Any = DOCUMENT
    if "$ref" not in node:
        return node
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def faults(schema: dict[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def check(reply: Reply, path: str) -> None:
    """Compare an answer with what the document says of it, where the path takes one method."""
    (method,) = DOCUMENT["paths"][path]
    check_operation(reply, path, method)


def check_operation(reply: Reply, path: str, method: str) -> None:
    """Compare every field, and the body."""
    operation = DOCUMENT["paths"][path][method.lower()]
    said = resolved(operation["responses"][str(reply.status)])
    fields = {name.lower(): resolved(field) for name, field in said["headers"].items()}
    assert set(reply.headers) - OF_EVERY_ANSWER <= set(fields)
    assert {name for name, field in fields.items() if field.get("required")} <= set(reply.headers)
    for name in set(fields) & set(reply.headers):
        assert faults(fields[name]["schema"], reply.headers[name]) == []
    if "content" not in said:
        assert reply.body == b""
        return
    ((media_type, content),) = said["content"].items()
    assert reply.headers["content-type"].partition(";")[0] == media_type
    body = json.loads(reply.body) if media_type.endswith("json") else reply.body.decode()
    assert faults(content["schema"], body) == []


@pytest.fixture(scope="session")
def hasty(start: Callable[..., Instance]) -> Instance:
    """A gateway that keeps nothing and waits 0.2 s for a provider."""
    return start(
        GATEWAY_TTL_PRICING_S="0",
        GATEWAY_TTL_STATIC_S="0",
        GATEWAY_STALE_S="0",
        GATEWAY_UPSTREAM_TIMEOUT_S="0.2",
        GATEWAY_RATE_FREE="100000",
    )


@pytest.fixture(scope="session")
def forgetful(start: Callable[..., Instance]) -> Instance:
    """A gateway whose cursors lead nowhere any more once they are heard."""
    return start(GATEWAY_SNAPSHOT_S="0", GATEWAY_RATE_FREE="100000")


@pytest.fixture
def world(  # noqa: PLR0913, PLR0917 - every mood
    gateway: Instance,
    slow_window: Instance,
    unreached: Instance,
    hasty: Instance,
    forgetful: Instance,
    upstream: Upstream,
    signing: Signing,
    address: dict[str, str],
    environment: dict[str, str],
) -> World:
    database = environment["GATEWAY_DATABASE_URL"]
    return World(gateway, slow_window, unreached, hasty, forgetful, upstream, signing, address, database)


def real(path: str) -> str:
    return path.replace("{offer_id}", KNOWN)


def test_it_is_an_openapi_31_document() -> None:
    assert [error.message for error in Draft202012Validator(OPENAPI_31).iter_errors(DOCUMENT)] == []


def test_it_is_what_is_served(gateway: Instance) -> None:
    assert gateway.ask(PAGE).json == DOCUMENT


@pytest.mark.parametrize(("path", "status"), sorted(WAYS))
def test_every_status_is_served_as_it_says(world: World, path: str, status: int) -> None:
    reply = WAYS[path, status](world, real(path))
    assert reply.status == status, reply.body
    check(reply, path)


@pytest.mark.parametrize("path", [LIST, OFFER, CATALOG])
def test_without_any_provider_it_answers_as_it_says(hasty: Instance, upstream: Upstream, path: str) -> None:
    upstream.says(status=500)
    reply = hasty.ask(real(path))
    assert (reply.status, reply.json["code"]) == (503, "providers-unavailable")
    check(reply, path)


@pytest.mark.parametrize("path", [p for p, item in DOCUMENT["paths"].items() if "get" in item])
def test_whatever_get_answers_head_answers_without_a_body(world: World, path: str) -> None:
    full, head = world.gateway.ask(real(path)), world.gateway.ask(real(path), method="HEAD")
    assert (head.status, head.body) == (full.status, b"")
    assert set(head.headers) == set(full.headers)


def test_a_draining_instance_answers_as_it_says(start: Callable[..., Instance], upstream: Upstream) -> None:
    instance = start(GATEWAY_UPSTREAM_TIMEOUT_S="20", GATEWAY_DEADLINE_S="20", GATEWAY_RATE_FREE="100000")
    upstream.says(held=True)
    before = upstream.calls
    reader = threading.Thread(target=lambda: instance.offers("?provider=lambda"))
    reader.start()
    assert until(lambda: upstream.calls > before, at_most_ms=SOON_MS)
    instance.process.send_signal(signal.SIGTERM)
    assert until(lambda: instance.ask(READY).status == 503, at_most_ms=SOON_MS)
    check(instance.ask(READY), READY)
    upstream.says()
    reader.join()


def test_nothing_is_named_that_no_test_asked_for() -> None:
    here = {(path, method, status) for path, method, status in named(DOCUMENT) if path not in ELSEWHERE}
    assert {(path, status) for path, _, status in here} == set(WAYS) | UNASKED
    assert {(path, method) for path, method, _ in here if method != "get"} == {(INVALIDATE, "post")}


def test_every_route_is_in_it() -> None:
    shown = subprocess.run([sys.executable, "-c", SHOW_NINJA], cwd=ROOT, capture_output=True, check=True, timeout=60)
    ninja = dict(json.loads(shown.stdout))
    assert set(ninja) | set(OPERATIONS) | {INVALIDATE} == set(DOCUMENT["paths"])
    assert all(sorted(methods) == sorted(DOCUMENT["paths"][path]) for path, methods in ninja.items())


def test_its_parameters_are_those_that_are_taken(gateway: Instance) -> None:
    said = [each for each in DOCUMENT["paths"][LIST]["get"]["parameters"] if each["in"] == "query"]
    detail = gateway.offers("?unknown=1").json["detail"]
    assert {each["name"] for each in said} == set(detail.partition("one of ")[2].split(", "))
    for parameter in said:
        assert gateway.offers(f"?{parameter['name']}=%00").json["code"] == "parameter-invalid"
        pair = f"{parameter['name']}={EXAMPLES.get(parameter['name'], '1')}"
        twice = gateway.offers(f"?{pair}&{pair}")
        assert (twice.status == 200) == (resolved(parameter["schema"]).get("type") == "array")


def test_it_agrees_with_the_specification() -> None:
    """Two documents that share nothing must say the same of paths, statuses and parameters."""
    spec = yaml.safe_load(Path(ROOT / "spec" / "openapi.yaml").read_text(encoding="utf-8"))
    assert named(spec) == named(DOCUMENT)
    for path in (LIST, OFFER, CATALOG, STATE):
        said, own = (
            {p["name"] for p in document["paths"][path]["get"]["parameters"]} - {"traceparent"}
            for document in (spec, DOCUMENT)
        )
        assert said == own
