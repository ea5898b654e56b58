"""The wire driver against a server that answers as it is told: spans, order, delays, silence."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from gatespec.clock import until
from gatespec.drivers import http
from gatespec.drivers.http import HttpGateway
from gatespec.drivers.people import GivenPeople
from gatespec.engine.lag import lag_meter
from gatespec.ports import Identity, Request
from gatespec.target import UrlDoor

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES, PIECE, PAUSE_MS = 4, b"x" * 30_000, 30
WHO = Identity("ip", "198.18.0.1", "free")


class Handler(BaseHTTPRequestHandler):
    """Says which path it was asked; `/cut` is a connection that ends without an answer, `/slow` one body in pieces."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/cut":
            self.close_connection = True
            return
        if self.path == "/slow":
            self._in_pieces()
            return
        body = f"{self.path} {self.headers.get('X-Forwarded-For')}".encode()
        self.send_response(200)
        self.send_header("X-Two", "a")
        self.send_header("X-Two", "b")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _in_pieces(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(PIECES * len(PIECE)))
        self.end_headers()
        for _ in range(PIECES):
            self.wfile.write(PIECE)
            self.wfile.flush()
            until(lambda: False, at_most_ms=PAUSE_MS)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def gateway(url: str) -> Iterator[HttpGateway]:
    door = UrlDoor(instances=[url, url], forwarded_for=True)
    driver = HttpGateway(door.instances, GivenPeople(door, 300))
    yield driver
    driver.close()


def test_answers_come_in_the_order_asked_each_at_its_delay(gateway: HttpGateway) -> None:
    began = gateway.clock.now_ms()
    late, soon = gateway.play([Request(WHO, 1, path="/late", delay_ms=120), Request(WHO, 0, path="/soon")])
    assert (late.body, soon.body) == (b"/late 198.18.0.1", b"/soon 198.18.0.1")
    assert late.span.sent_ms >= began + 120
    assert began <= soon.span.sent_ms <= soon.span.heard_ms <= late.span.heard_ms
    assert late.request.delay_ms == 0
    assert late.headers["x-two"] == "a, b"


def test_a_body_that_comes_in_pieces_is_read_to_its_end(gateway: HttpGateway) -> None:
    (answer,) = gateway.play([Request(WHO, path="/slow")])
    assert answer.body == PIECES * PIECE


def test_a_body_without_end_is_cut(gateway: HttpGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_MAX_BYTES", len(PIECE) + 1)
    (answer,) = gateway.play([Request(WHO, path="/slow")])
    assert answer.body == (PIECES * PIECE)[: len(PIECE) + 1]


def test_an_address_of_one_s_own_choice_is_spoken_from(gateway: HttpGateway) -> None:
    (answer,) = gateway.play([Request(WHO, path="/", address="2001:db8::9")])
    assert answer.body == b"/ 2001:db8::9"


def test_no_answer_is_an_exchange_without_a_status(gateway: HttpGateway) -> None:
    cut, fine = gateway.play([Request(WHO, path="/cut"), Request(WHO, path="/fine")])
    assert (cut.status, fine.status) == (None, 200)
    assert cut.span.sent_ms <= cut.span.heard_ms


def test_a_wait_is_never_shorter_than_asked_and_is_summed(gateway: HttpGateway) -> None:
    began = gateway.clock.now_ms()
    gateway.wait(30)
    gateway.wait(20)
    assert gateway.clock.now_ms() >= began + 50
    assert gateway.waited_ms == 50


def test_the_lag_meter_measures_and_begins_anew(gateway: HttpGateway) -> None:
    with lag_meter() as lag:
        gateway.wait(200)
        assert lag.worst_ms >= 1
        lag.reset()
        assert lag.worst_ms == 0
