"""Hostile requests over the wire: each gets a problem that says what is wrong, none a 5xx, none a hang."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.gateway_edge.test_edge_tokens import NAMES, hostile_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway_edge.edge_wire import Instance, Signing

PROBLEM = {"type", "title", "status", "detail", "code", "trace_id"}

pytestmark = pytest.mark.usefixtures("upstream")


def request(target: bytes, *headers: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: gateway", b"Connection: close", *headers, b"", body]
    return b"\r\n".join(lines)


def read(reply: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = reply.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), dict(line.lower().split(": ", 1) for line in lines), body


def problem_of(gateway: Instance, sent: bytes) -> dict[str, str]:
    """Send it, and check that the answer is a whole problem."""
    status, headers, body = read(gateway.raw(sent))
    assert 400 <= status < 500, body
    assert headers["content-type"] == "application/problem+json"
    problem = dict(json.loads(body))
    assert set(problem) >= PROBLEM
    assert (problem["status"], problem["trace_id"]) == (status, headers["x-trace-id"])
    assert len(body) < 1500
    return problem


def pairs(*names: str) -> bytes:
    return b"/api/v2/providers?" + "&".join(names).encode()


@pytest.mark.parametrize(
    ("target", "code", "field"),
    [
        (pairs("colour=red"), "parameter-unknown", "colour"),
        (pairs("page=2"), "parameter-unknown", "page"),
        (pairs("=1"), "parameter-unknown", "query"),
        (pairs("sort=price", "sort=price"), "parameter-repeated", "sort"),
        (pairs("sort=cheap"), "parameter-invalid", "sort"),
        (pairs("gpu_type="), "parameter-invalid", "gpu_type"),
        (pairs("gpu_type=%zz"), "parameter-invalid", "gpu_type"),
        (pairs("gpu_type=H100%00"), "parameter-invalid", "gpu_type"),
        (pairs("gpu_type=%ED%A0%80"), "parameter-invalid", "gpu_type"),
        (pairs("gpu_type=%FF"), "parameter-invalid", "gpu_type"),
        (pairs("%FF=1"), "parameter-invalid", "query"),
        (pairs("min_price=-1"), "parameter-invalid", "min_price"),
        (pairs("min_price=1e9"), "parameter-invalid", "min_price"),
        (pairs("min_price=NaN"), "parameter-invalid", "min_price"),
        (pairs("min_price=%D9%A3"), "parameter-invalid", "min_price"),
        (pairs("min_gpu_count=1.5"), "parameter-invalid", "min_gpu_count"),
        (pairs("min_gpu_count=" + "9" * 5000), "parameter-invalid", "min_gpu_count"),
        (pairs("provider='; DROP TABLE store_user; --".replace(" ", "%20")), "parameter-invalid", "provider"),
        (pairs("region=%0d%0aSet-Cookie:%20a=b"), "parameter-invalid", "region"),
        (pairs(*["gpu=H100"] * 100), "parameter-invalid", "query"),
        (pairs(*["a"] * 4000), "parameter-invalid", "query"),
        (pairs("provider[]=lambda"), "parameter-unknown", "provider[]"),
        (b"/api/v2/providers?" + b"&" * 200, "parameter-invalid", "query"),
    ],
)
def test_a_bad_parameter_is_named(gateway: Instance, target: bytes, code: str, field: str) -> None:
    problem = problem_of(gateway, request(target))
    assert (problem["code"], problem["field"]) == (code, field)


SECRET = "swordfish-swordfish"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    "query",
    [
        f"token={SECRET}",
        f"token={SECRET}%FF",
        f"api_key={SECRET}&api_key={SECRET}",
        f"gpu=H100&gpu_types={SECRET}",
        f"{SECRET}-{SECRET}=1",
        f"{SECRET}%FF",
        f"%20{SECRET}",
        f"{SECRET}:{SECRET}@",
    ],
)
def test_what_may_be_a_secret_is_not_repeated(gateway: Instance, query: str) -> None:
    status, _, body = read(gateway.raw(request(pairs(query))))
    assert status == 422
    assert "swordfish" not in body.decode()


@pytest.mark.parametrize("bytes_sent", [8200, 60_000])
def test_a_long_target_is_414(gateway: Instance, bytes_sent: int) -> None:
    assert problem_of(gateway, request(b"/api/v2/providers?a=" + b"a" * bytes_sent))["code"] == "uri-too-long"


def test_ten_thousand_parameters_are_414(gateway: Instance) -> None:
    target = pairs(*[f"p{n}=1" for n in range(10_000)])
    status, _, _ = read(gateway.raw(request(target)))
    assert status == 414


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (request(b"/api/v2/providers?a=" + b"a" * 1_000_000), {414}),
        (request(b"/" + b"a" * 3_000_000), {414, 431}),
        (request(b"/api/v2/providers", *[b"X-%d: x" % n for n in range(500)]), {431}),
        (request(b"/api/v2/providers", b"Authorization: Bearer " + b"A" * 1_000_000), {401}),
        (request(b"/api/v2/providers?\xff\xfe"), {400, 422}),
        (request(b"/api/v2/providers?gpu=\x00"), {400}),
        (request(b"/api/v2/providers", b"X-API-Key: a\x00b"), {400}),
        (b"nonsense\r\n\r\n", {400}),
        (request(b"/api/v2/providers", method=b"G\xffT"), {400}),
        (request(b"/api/v2/providers", b"Content-Length: -1"), {400}),
        (request(b"/api/v2/providers", b"Content-Length: 1", b"Content-Length: 2"), {400}),
        (request(b"/%ff%fe%00/" + b"../" * 100), {404}),
    ],
)
def test_what_no_application_can_read_is_refused(gateway: Instance, sent: bytes, statuses: set[int]) -> None:
    status, _, _ = read(gateway.raw(sent))
    assert status in statuses
    assert gateway.ask("/health/live").status == 200


@pytest.mark.parametrize(
    ("headers", "code", "field"),
    [
        ((b"X-API-Key: a", b"X-API-Key: b"), "header-invalid", "X-API-Key"),
        ((b"Authorization: Bearer a", b"Authorization: Bearer a"), "header-invalid", "Authorization"),
        ((b"Authorization: Bearer a", b"X-API-Key: a"), "header-invalid", "X-API-Key"),
        ((b"X-API-Key:",), "key-invalid", "X-API-Key"),
        ((b"X-API-Key: " + b"k" * 20_000,), "key-invalid", "X-API-Key"),
        ((b"X-API-Key: gk_0123456789abcdef_" + b"A" * 43,), "key-invalid", "X-API-Key"),
        ((b"X-API-Key: gk_0123456789ABCDEF_" + b"A" * 43,), "key-invalid", "X-API-Key"),
        ((b"X-API-Key: \xff\xfe",), "key-invalid", "X-API-Key"),
        ((b"Authorization:",), "token-invalid", "Authorization"),
        ((b"X-Big: " + b"x" * 40_000,), "headers-too-large", None),
    ],
)
def test_a_bad_header_is_named(gateway: Instance, headers: tuple[bytes, ...], code: str, field: str | None) -> None:
    problem = problem_of(gateway, request(b"/api/v2/providers", *headers))
    assert (problem["code"], problem.get("field")) == (code, field)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"1 MB", "garbage"}])
def test_a_hostile_token_is_401(gateway: Instance, signing: Signing, name: str) -> None:
    header = b"Authorization: " + hostile_tokens(signing)[name]
    problem = problem_of(gateway, request(b"/api/v2/providers", header))
    assert (problem["code"], problem["field"]) == ("token-invalid", "Authorization")


@pytest.mark.parametrize(
    "header",
    [
        b"traceparent: x",
        b"traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01",
        b"traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"traceparent: " + b"0" * 20_000,
        b"If-None-Match: " + b'"' * 20_000,
        b"If-None-Match: \xff",
        b"If-None-Match: " + b'W/"a",' * 3000,
        b"X-Forwarded-For: not an address",
        b"X-Forwarded-For: " + b"1.1.1.1," * 3000,
        b"X-Forwarded-For: " + b"," * 20_000,
        b"X-Forwarded-For: \xff, [::1]:80, 999.1.1.1",
        b"X-Forwarded-For: fe80::1%eth0",
        b"X-Plan: \xff",
        b"Host: evil\x0bhost",
        b"Cookie: " + b"a=b;" * 1000,
        b"Accept: " + b"*/*," * 1000,
        b"Expect: 100-continue",
        b"Upgrade: websocket",
        b"Content-Length: 5",
    ],
)
def test_an_odd_header_harms_nobody(gateway: Instance, header: bytes) -> None:
    body = b"hello" if header.startswith(b"Content-Length") else b""
    status, headers, _ = read(gateway.raw(request(b"/api/v2/providers", header, body=body)))
    assert status in {200, 400}
    if status == 200:
        assert len(headers["x-trace-id"]) == 32


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"BREW", b"M" * 5000])
@pytest.mark.parametrize("path", [b"/api/v2/providers", b"/health/ready", b"/metrics", b"/api/v2/openapi.json"])
def test_another_method_is_405_with_allow(gateway: Instance, method: bytes, path: bytes) -> None:
    status, headers, body = read(gateway.raw(request(path, method=method)))
    assert (status, headers["allow"], json.loads(body)["code"]) == (405, "get, head", "method-not-allowed")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_413(start_small: Instance, chunked: bool) -> None:  # noqa: FBT001 - it is a case
    body = b"x" * 5000
    if chunked:
        sent = request(
            b"/api/v2/nothing",
            b"Transfer-Encoding: chunked",
            method=b"POST",
            body=b"1388\r\n" + body + b"\r\n0\r\n\r\n",
        )
    else:
        sent = request(b"/api/v2/nothing", b"Content-Length: 5000", method=b"POST", body=body)
    assert problem_of(start_small, sent)["code"] == "body-too-large"


def test_a_body_within_the_bound_is_read(start_small: Instance) -> None:
    sent = request(b"/api/v2/nothing", b"Content-Length: 4000", method=b"POST", body=b"x" * 4000)
    assert problem_of(start_small, sent)["code"] == "not-found"


def test_a_body_that_never_comes_is_given_up(start_small: Instance) -> None:
    sent = request(b"/api/v2/nothing", b"Content-Length: 400", method=b"POST", body=b"x")
    assert problem_of(start_small, sent)["code"] == "request-malformed"


@pytest.fixture(scope="session")
def start_small(start: Callable[..., Instance]) -> Instance:
    return start(GATEWAY_BODY_MAX_BYTES="4096", GATEWAY_DEADLINE_S="1", GATEWAY_RATE_FREE="100000")
