"""Providers that lie on the way: whatever they send, a call ends in time, in memory, and with one error of one name."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reference_gateway.adapters.providers import FailureKind, HttpWire, Listing, ProviderFailed, WireRequest
from reference_gateway.adapters.providers.wire import BODY_MAX_BYTES, CALL_MAX_BYTES, UNMEANT, decode
from tests.gateway_providers.conftest import NOW_MS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway_providers.conftest import Asking, Provider, Wire

LIST = b'{"data":{}}'
OK = b"HTTP/1.1 200 OK\r\n"
MARGIN_S = 10
"""How much later than its deadline a call may end before a test calls it hung: the machine may be busy."""

SOCKETS_MAX_BYTES = 16 * 1024 * 1024
"""What may lie in the two sockets between a sender and us, unread: Linux lets them grow to 4 and 6 MiB."""


@dataclass
class Flood:
    """Sends the opening, then the chunk again and again until we hang up, and counts what it could send."""

    url: str = ""
    opening: bytes = OK
    chunk: bytes = b"x"
    every_s: float = 0
    sent_bytes: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.opening)
        try:
            while True:
                writer.write(self.chunk)
                await writer.drain()
                self.sent_bytes += len(self.chunk)
                await asyncio.sleep(self.every_s)
        except ConnectionError:
            self.hung_up.set()
        writer.close()


@pytest.fixture
async def flood() -> AsyncIterator[Flood]:
    flood = Flood()
    server = await asyncio.start_server(flood.meet, "127.0.0.1", 0)
    flood.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield flood


async def failure(list_offers: Asking, endpoint: str, *, deadline_s: float = 60) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        await asyncio.wait_for(list_offers(endpoint, deadline_s=deadline_s), deadline_s + MARGIN_S)
    return failed.value


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("opening", "chunk"),
    [
        (OK + b"\r\n", b" " * 65_536),
        (OK + b"Content-Length: 100000000\r\n\r\n", b" " * 65_536),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", chunked(b" " * 65_536)),
    ],
    ids=["without end", "100 MB", "chunk after chunk"],
)
async def test_no_more_is_read_than_a_body_may_have(
    opening: bytes, chunk: bytes, flood: Flood, list_offers: Asking
) -> None:
    flood.opening, flood.chunk = opening, chunk
    assert (await failure(list_offers, flood.url)).kind is FailureKind.UNDECODABLE
    await asyncio.wait_for(flood.hung_up.wait(), 5)
    assert BODY_MAX_BYTES < flood.sent_bytes < BODY_MAX_BYTES + SOCKETS_MAX_BYTES


@pytest.mark.parametrize("opening", [OK, OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"], ids=["headers", "trailers"])
async def test_headers_without_end(opening: bytes, flood: Flood, list_offers: Asking) -> None:
    flood.opening, flood.chunk = opening, b"X-Padding: " + b"x" * 1000 + b"\r\n"
    assert (await failure(list_offers, flood.url)).kind is FailureKind.UNDECODABLE
    await asyncio.wait_for(flood.hung_up.wait(), 5)
    assert flood.sent_bytes < SOCKETS_MAX_BYTES


async def test_a_byte_at_a_time_ends_at_the_time_out(flood: Flood, list_offers: Asking) -> None:
    flood.opening, flood.chunk, flood.every_s = OK + b"Content-Length: 1000000\r\n\r\n", b" ", 0.02
    assert (await failure(list_offers, flood.url, deadline_s=0.4)).kind is FailureKind.TIMEOUT
    await asyncio.wait_for(flood.hung_up.wait(), 5)


def bomb(wbits: int) -> bytes:
    """One compressed stream of zeros, some thousand times smaller than what it unpacks to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(bytes(4 * BODY_MAX_BYTES)) + packer.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (bomb(31), "gzip"),
        (bomb(15), "deflate"),
        (bomb(-15), "deflate"),
        (gzip.compress(bomb(31)), "gzip"),
        (gzip.compress(bomb(31)), "gzip, gzip"),
        (bomb(31) * 3, "gzip"),
        (LIST, "br"),
        (LIST, "zstd"),
        (gzip.compress(LIST), "deflate"),
        (gzip.compress(gzip.compress(LIST)), "gzip, gzip"),
    ],
    ids=[
        "gzip",
        "deflate, not asked for",
        "raw deflate",
        "packed twice, said once",
        "packed twice",
        "three streams",
        "brotli",
        "zstd",
        "another than said",
        "a list packed twice",
    ],
)
async def test_what_was_packed_otherwise_or_unpacks_to_too_much(
    body: bytes, encoding: str, provider: Provider, list_offers: Asking
) -> None:
    provider.says(body, headers={"Content-Encoding": encoding})
    assert (await failure(list_offers, provider.url)).kind is FailureKind.UNDECODABLE


async def test_the_pages_of_one_call_are_bounded_as_one_body_is(provider: Provider, list_offers: Asking) -> None:
    provider.says(LIST.ljust(BODY_MAX_BYTES))
    wire = HttpWire(list_offers.session, provider.url, asyncio.get_running_loop().time() + 60, lambda: NOW_MS)
    for _ in range(CALL_MAX_BYTES // BODY_MAX_BYTES):
        assert await wire.send(WireRequest("/page"), len_of) == 1
    with pytest.raises(ProviderFailed) as failed:
        await wire.send(WireRequest("/page"), len_of)
    assert failed.value.kind is FailureKind.UNDECODABLE


def len_of(body: object) -> int:
    assert isinstance(body, dict)
    return len(body)


async def test_a_poll_bounds_each_request_and_all_of_them(wire: Wire, list_offers: Asking) -> None:
    """Either bound ends a request; the other is far away."""
    wire.hangs = True
    now_s = asyncio.get_running_loop().time()
    for until_s, each_s in ((now_s + 60, 0.1), (now_s + 0.1, 60.0)):
        bounded = HttpWire(list_offers.session, wire.url, until_s, lambda: NOW_MS, each_s=each_s)
        with pytest.raises(ProviderFailed) as failed:
            await asyncio.wait_for(bounded.send(WireRequest("/"), len_of), 10)
        assert failed.value.kind is FailureKind.TIMEOUT


async def test_what_follows_an_answer_is_no_answer_to_the_next_question(wire: Wire, list_offers: Asking) -> None:
    """A second response that nobody asked for would be another provider's list under this one's name."""
    planted = b'{"data":{"a":1}}'
    wire.sends = OK + b"Content-Length: 11\r\n\r\n" + LIST + OK + b"Content-Length: 16\r\n\r\n" + planted
    for _ in range(3):
        assert await list_offers(wire.url) == Listing((), 0)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -1",
        b"Content-Length: eleven",
        b"Content-Length: 11, 12",
        b"Content-Length: 11\r\nContent-Length: 12",
        b"Content-Length: 11\r\nTransfer-Encoding: chunked",
        b"Content-Length: 11\r\nX-Folded: a\r\n b\x00",
    ],
)
async def test_lengths_that_contradict(head: bytes, wire: Wire, list_offers: Asking) -> None:
    wire.sends = OK + head + b"\r\n\r\n" + LIST
    assert (await failure(list_offers, wire.url)).kind is FailureKind.UNDECODABLE


@pytest.mark.parametrize("said", ["text/html", "application/json; charset=utf-16", "nonsense", ""])
async def test_the_content_type_is_not_believed(said: str, provider: Provider, list_offers: Asking) -> None:
    """JSON is UTF-8 by RFC 8259, whatever a header calls it."""
    provider.says(LIST, headers={"Content-Type": said})
    assert (await list_offers(provider.url)).offers == ()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "http://192.0.2.1/", "file:///etc/passwd", ""])
async def test_no_redirect_is_followed(status: int, location: str, provider: Provider, list_offers: Asking) -> None:
    provider.says(LIST, status=status, headers={"Location": location})
    assert (await failure(list_offers, provider.url)).status == status
    assert len(provider.asked) == 1


async def test_too_many_requests_in_plain_text(provider: Provider, list_offers: Asking) -> None:
    provider.says(b"API requests too frequent: endpoint threshold=4.5", 429, {"Content-Type": "text/plain"})
    failed = await failure(list_offers, provider.url)
    assert (failed.kind, failed.retry_after_s) == (FailureKind.LIMITED, None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.30000000000000004", Decimal("0.30000000000000004")),
        ("1e-5", Decimal("0.00001")),
        ("1.5E+3", Decimal(1500)),
        ("-2.2250738585072014", Decimal("-2.2250738585072014")),
        ("999999999999999999", 10**18 - 1),
        ("9999999999999999999", UNMEANT),
        ("0." + "3" * 30, UNMEANT),
        ("1e999", UNMEANT),
        ("1e-999", UNMEANT),
        ("-1e999999", UNMEANT),
        ("1e" + "9" * 20, UNMEANT),
        ("1e" + "9" * 300, UNMEANT),
    ],
)
def test_a_number_is_exact_or_unmeant(written: str, read: object) -> None:
    assert decode(f"[{written}]".encode()) == [read]


@pytest.mark.parametrize("written", ["-0", "-0.0", "0e300", "-0E-300", "0.000"])
def test_zero_is_zero(written: str) -> None:
    assert str(decode(f"[{written}]".encode())) in {"[0]", "[Decimal('0')]"}


@pytest.mark.parametrize(
    "body", ["NaN", "[Infinity]", "[-Infinity]", "[+1]", "[01]", "[1.]", "[.5]", "[1e]", "[0x1]", "[1_000]", "[1,]"]
)
def test_what_is_no_json_is_not_read(body: str) -> None:
    with pytest.raises(ProviderFailed) as failed:
        decode(body.encode())
    assert failed.value.kind is FailureKind.UNDECODABLE


def test_of_a_member_named_twice_the_later_counts() -> None:
    assert decode(b'{"price":1,"name":"a","price":2}') == {"price": 2, "name": "a"}


@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_depth_is_refused_or_read_and_never_breaks_out(brackets: str) -> None:
    opening, closing = brackets[:-1], brackets[-1]
    outcomes = [_outcome(opening * depth + "1" + closing * depth) for depth in (100, 100_000, 1_000_000)]
    assert outcomes == ["read", "undecodable", "undecodable"]


def _outcome(body: str) -> str:
    try:
        decode(body.encode())
    except ProviderFailed as failed:
        return str(failed.kind)
    return "read"
