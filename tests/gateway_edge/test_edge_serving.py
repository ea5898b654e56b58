"""What runs beside the API: health, metrics, keys, traces, logs, and how an instance ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from redis import Redis

from gatespec.clock import until
from tests.gateway_edge.edge_wire import Instance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatespec.stack.redis import RedisServer
    from tests.gateway_edge.edge_wire import Reply, Signing, Upstream

TRACE = "0af7651916cd43dd8448eb211c80319c"
SOON_MS = 10_000
PIPE_BYTES = 65_536
LINES = 1000
"""Each of more than 100 bytes: together more than a pipe takes."""
MET_DATABASE = 9
"""A logical database that nobody else connects to."""

pytestmark = pytest.mark.usefixtures("upstream")


@pytest.mark.parametrize(
    "path",
    ["/api/v2/providers", "/api/v2/providers?sort=x", "/api/v2/nothing", "/nothing", "/health", "/metrics"],
)
def test_the_trace_is_the_callers(gateway: Instance, path: str) -> None:
    reply = gateway.ask(path, {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert reply.headers["x-trace-id"] == TRACE
    another, third = gateway.ask(path), gateway.ask(path)
    assert len({TRACE, another.headers["x-trace-id"], third.headers["x-trace-id"]}) == 3


def test_one_log_line_a_request_knows_the_trace(gateway: Instance, signing: Signing) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {**signing.bearer(), "traceparent": f"00-{trace}-b7ad6b7169203331-00"}
    gateway.offers(headers=headers)
    assert until(lambda: _lines(gateway, trace) != [], at_most_ms=SOON_MS)
    (line,) = _lines(gateway, trace)
    assert set(line) == {
        "timestamp",
        "level",
        "message",
        "trace_id",
        "method",
        "route",
        "status",
        "duration_ms",
        "identity",
        "plan",
        "cache",
    }
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v2/providers", 200)
    assert (line["identity"], line["plan"]) == ("user", "enterprise")
    assert 0 < line["duration_ms"] < 15_000


def _lines(gateway: Instance, trace: str) -> list[dict[str, Any]]:
    return [line for line in gateway.lines() if line["trace_id"] == trace]


def test_no_credential_reaches_a_log(
    gateway: Instance, signing: Signing, new_key: Callable[..., dict[str, str]]
) -> None:
    token, key = signing.mint(sub="logged"), new_key()["api_key"]
    secret = "swordfish-swordfish-swordfish"  # noqa: S105 - nobody's
    for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": key}, {"Authorization": f"Basic {secret}"}):
        gateway.offers(headers=headers)
        gateway.offers(f"?token={secret}", headers)
        gateway.ask(f"/{secret}/{key}", headers, "POST")
    done = gateway.ask("/health/live").headers["x-trace-id"]
    assert until(lambda: _lines(gateway, done) != [], at_most_ms=SOON_MS)
    text = gateway.log.read_text()
    for said in (token, token.split(".")[2], key, key.split("_", 2)[2], secret, "development-key-not-a-secret"):
        assert said not in text
    assert all({"timestamp", "level", "message", "trace_id"} <= set(line) for line in gateway.lines())


def test_no_error_of_ours_lies_in_the_log(gateway: Instance) -> None:
    """Whatever the other tests sent: none of it made the gateway itself stumble."""
    assert [line for line in gateway.lines() if line["level"] in {"error", "critical"}] == []


def test_metrics_count_each_request_once(gateway: Instance, signing: Signing) -> None:
    counted = (
        'gateway_requests_total{method="GET",route="/api/v2/providers",status="200"}',
        'gateway_limiter_decisions_total{outcome="admitted",plan="enterprise"}',
        'gateway_cache_lookups_total{outcome="hit",tier="answer"}',
        'gateway_request_duration_seconds_count{route="/api/v2/providers"}',
    )
    gateway.offers()
    before = [gateway.metric(line) for line in counted]
    for _ in range(3):
        gateway.offers(headers=signing.bearer(sub="counted"))
    after = [value + 3 for value in before]
    assert until(lambda: [gateway.metric(line) for line in counted] == after, at_most_ms=SOON_MS)
    assert gateway.metric('gateway_limiter_mode{mode="redis"}') == 1.0
    assert gateway.metric('gateway_provider_calls_total{outcome="ok",provider="lambda"}') >= 1
    assert "application" not in gateway.ask("/metrics").headers["content-type"]


def test_a_made_up_path_or_method_makes_no_series(gateway: Instance) -> None:
    counted = 'gateway_requests_total{method="other",route="unmatched",status="404"}'
    before = gateway.metric(counted)
    gateway.ask("/made-up-path", method="MADEUP")
    assert until(lambda: gateway.metric(counted) > before, at_most_ms=SOON_MS)
    text = gateway.ask("/metrics").body.decode()
    assert "made-up" not in text
    assert "MADEUP" not in text


def test_the_key_set_verifies_a_token(gateway: Instance, signing: Signing) -> None:
    (key,) = gateway.ask("/.well-known/jwks.json").json["keys"]
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    assert "d" not in key
    token = signing.mint()
    assert jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience="gateway")["sub"] == "somebody"


def test_sigterm_lets_requests_end(start: Callable[..., Instance], upstream: Upstream) -> None:
    instance = start(GATEWAY_UPSTREAM_TIMEOUT_S="20", GATEWAY_DEADLINE_S="20", GATEWAY_RATE_FREE="100000")
    upstream.says(held=True)
    before = upstream.calls
    replies: list[Reply] = []
    reader = threading.Thread(target=lambda: replies.append(instance.offers("?provider=lambda")))
    reader.start()
    assert until(lambda: upstream.calls > before, at_most_ms=SOON_MS)
    instance.process.send_signal(signal.SIGTERM)
    assert until(lambda: instance.ask("/health/ready").status == 503, at_most_ms=1000)
    unready = instance.ask("/health/ready")
    assert (unready.json["code"], unready.headers["retry-after"]) == ("not-ready", "1")
    assert unready.headers["content-type"] == "application/problem+json"
    assert unready.headers["x-trace-id"] == unready.json["trace_id"]
    assert instance.ask("/health/live").status == 200
    assert instance.offers("?provider=nobody").status == 200
    upstream.says()
    reader.join()
    assert [reply.status for reply in replies] == [200]
    assert instance.stop() == 0
    assert "drained" in [line["message"] for line in instance.lines()]
    with pytest.raises(ConnectionRefusedError):
        instance.ask("/health/live")


def test_a_request_that_outlasts_the_drain_does_not_hold_the_end(
    start: Callable[..., Instance], upstream: Upstream
) -> None:
    instance = start(
        GATEWAY_UPSTREAM_TIMEOUT_S="20", GATEWAY_DEADLINE_S="20", GATEWAY_DRAIN_S="0.5", GATEWAY_RATE_FREE="100000"
    )
    upstream.says(held=True)
    before = upstream.calls
    with closing(http.client.HTTPConnection("127.0.0.1", instance.port, timeout=20)) as connection:
        connection.request("GET", "/api/v2/providers")
        assert until(lambda: upstream.calls > before, at_most_ms=SOON_MS)
        instance.process.send_signal(signal.SIGTERM)
        assert until(lambda: instance.process.poll() is not None, at_most_ms=6000)
    assert instance.process.returncode == 0
    wrong = [line for line in instance.lines() if line["level"] in {"error", "critical"}]
    # The end of the provider call ends the request too, now and then in time to be told.
    assert {(line["message"], line.get("status")) for line in wrong} <= {("request", 503)}


def test_every_one_of_many_ends_is_clean(start: Callable[..., Instance]) -> None:
    for _ in range(6):
        instance = start()
        instance.offers()
        assert instance.stop() == 0, instance.log.read_text()


def test_redis_is_met_before_the_first_request(start: Callable[..., Instance], redis_server: RedisServer) -> None:
    """A first burst that had to connect within its budget would be decided without the others."""
    with Redis.from_url(redis_server.url()) as redis:
        start(GATEWAY_REDIS_URL=redis_server.url(MET_DATABASE))
        assert [one for one in redis.client_list() if one["db"] == str(MET_DATABASE)]


def test_a_redis_that_hangs_holds_no_start(start: Callable[..., Instance]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        port = mute.getsockname()[1]
        instance = start(GATEWAY_REDIS_URL=f"redis://127.0.0.1:{port}/0", GATEWAY_RATE_FREE="100000")
        assert instance.offers().status == 200


def test_a_reader_of_stdout_that_stalls_holds_no_request(environment: dict[str, str], tmp_path: Path) -> None:
    log, written = tmp_path / "log", bytearray()
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    instance = Instance(environment, log)

    def lines_read() -> int:
        with suppress(BlockingIOError):
            written.extend(os.read(reader, PIPE_BYTES))
        return written.count(b'"/health/live"')

    try:
        instance.until_ready()
        with closing(http.client.HTTPConnection("127.0.0.1", instance.port, timeout=15)) as connection:
            for _ in range(LINES):
                connection.request("GET", "/health/live")
                assert connection.getresponse().read() == b'{"status":"ok"}'
        assert lines_read() < LINES, "the pipe took it all: nobody was stalled"
        assert until(lambda: lines_read() == LINES, at_most_ms=SOON_MS)
    finally:
        assert instance.stop() == 0
        os.close(reader)


def test_a_keepalive_connection_answers_many(gateway: Instance) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=15)
    for path, status in (("/api/v2/providers", 200), ("/api/v2/providers?sort=x", 422), ("/nothing", 404)) * 3:
        connection.request("GET", path)
        reply = connection.getresponse()
        assert (reply.status, len(reply.read())) == (status, int(reply.headers["content-length"]))
    connection.request("POST", "/api/v2/providers", json.dumps({"a": "b" * 1000}))
    assert connection.getresponse().status == 405
    connection.close()
