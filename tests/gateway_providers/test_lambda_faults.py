"""What a provider may do to us, and the one error that each of it becomes."""

from __future__ import annotations

import asyncio
import gzip
import traceback
from typing import TYPE_CHECKING

import pytest

from reference_gateway.adapters.providers import FailureKind, ProviderFailed
from reference_gateway.adapters.providers.wire import BODY_MAX_BYTES
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_providers.accepted import KEY

if TYPE_CHECKING:
    from tests.gateway_providers.conftest import Asking, Provider, Wire

GZIP = {"Content-Encoding": "gzip"}
LIST = b'{"data":{}}'
MARGIN_S = 3
"""How much later than its deadline a call may end before a test calls it hung: the machine may be busy."""


async def failure(list_offers: Asking, endpoint: str, *, deadline_s: float = 5) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        await asyncio.wait_for(list_offers(endpoint, deadline_s=deadline_s), deadline_s + MARGIN_S)
    return failed.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, FailureKind.STATUS),
        (301, FailureKind.STATUS),
        (401, FailureKind.CREDENTIAL),
        (403, FailureKind.CREDENTIAL),
        (404, FailureKind.STATUS),
        (429, FailureKind.LIMITED),
        (500, FailureKind.STATUS),
        (503, FailureKind.STATUS),
    ],
)
async def test_only_200_is_an_answer(status: int, kind: FailureKind, provider: Provider, list_offers: Asking) -> None:
    provider.says(status=status)
    failed = await failure(list_offers, provider.url)
    assert (failed.kind, failed.status) == (kind, status)


async def test_a_redirect_is_not_followed(provider: Provider, list_offers: Asking) -> None:
    provider.says(status=307, headers={"Location": provider.url + "/elsewhere"})
    assert (await failure(list_offers, provider.url)).status == 307
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("1.2", 2),
        ("999999999999", 3600),
        ("Mon, 24 Nov 2025 16:00:30 GMT", 30),  # the test's clock stands at 16:00:00
        ("Mon, 24 Nov 2025 15:59:00 GMT", 0),
        ("Mon, 24 Nov 2036 16:00:00 GMT", 3600),
        ("soon", None),
        ("-5", None),
        ("7 s", None),
        ("", None),
        ("9" * 5000, 3600),
    ],
)
async def test_retry_after_is_carried_in_whole_seconds(
    said: str, seconds: int | None, provider: Provider, list_offers: Asking
) -> None:
    provider.says(status=429, headers={"Retry-After": said})
    assert (await failure(list_offers, provider.url)).retry_after_s == seconds


async def test_a_compressed_body_is_read(provider: Provider, list_offers: Asking) -> None:
    provider.says(gzip.compress(b'{"data":{}}'), headers=GZIP)
    assert (await list_offers(provider.url)).offers == ()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(LIST.ljust(BODY_MAX_BYTES + 1)), GZIP),
        (LIST.ljust(BODY_MAX_BYTES + 1), {}),
        (gzip.compress(b'{"data":{}}')[:-12], GZIP),
        (b'{"data":{}}', GZIP),
        (b'{"data":{}}', {"Content-Encoding": "br"}),
        (b'{"data":{}}', {"Content-Encoding": "zstd"}),
        ('{"data":{}}'.encode("utf-16"), {}),
        (b'\xef\xbb\xbf{"data":{}}', {}),
        (b'{"data":{"\xff":{}}}', {}),
        (b'{"data":{"a":NaN}}', {}),
        (b'{"data":{"a":-Infinity}}', {}),
        (b'{"data":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}}", {}),
    ],
    ids=[
        "a bomb of 16 kB",
        "too long",
        "cut off in gzip",
        "no gzip at all",
        "no brotli",
        "no zstd",
        "UTF-16",
        "a byte order mark",
        "Latin-1",
        "NaN",
        "infinity",
        "too deep",
    ],
)
async def test_what_cannot_be_decoded_is_named_so(
    body: bytes, headers: dict[str, str], provider: Provider, list_offers: Asking
) -> None:
    provider.says(body, headers=headers)
    assert (await failure(list_offers, provider.url)).kind is FailureKind.UNDECODABLE


async def test_a_body_of_exactly_the_bound_is_read(provider: Provider, list_offers: Asking) -> None:
    provider.says(LIST.ljust(BODY_MAX_BYTES))
    assert (await list_offers(provider.url)).left_out == 0


def item(key: str, name: str, cents: str = "100") -> str:
    """A member of `data`, put together by hand so that its texts may be any JSON."""
    specs = '{"vcpus":1,"memory_gib":1,"storage_gib":1,"gpus":1}'
    gpu = '"description":"1x A10 (24 GB PCIe)","gpu_description":"A10 (24 GB PCIe)"'
    machine = f'{{"name":"{name}",{gpu},"price_cents_per_hour":{cents},"specs":{specs}}}'
    regions = '[{"name":"us-west-1"}]'
    return f'"{key}":{{"instance_type":{machine},"regions_with_capacity_available":{regions}}}'


@pytest.mark.parametrize(("types", "aside"), [(10, False), (15_000, True)])
async def test_a_huge_list_is_read_aside(types: int, aside: bool, provider: Provider, list_offers: Asking) -> None:  # noqa: FBT001 - a column
    provider.says(f'{{"data":{{{",".join(item(str(n), f"type_{n}") for n in range(types))}}}}}'.encode())
    listing = await list_offers(provider.url, deadline_s=30)
    assert len(listing.offers) == types
    assert list_offers.read_aside is aside


@pytest.mark.parametrize("cents", ["9" * 5000, "1e" + "9" * 99, "1" * 19, "1.0", "1e2", "1e-400"])
async def test_a_number_that_cannot_be_meant_spoils_its_own_item_only(
    cents: str, provider: Provider, list_offers: Asking
) -> None:
    provider.says(f'{{"data":{{{item("a", "bad", cents)},{item("b", "good")}}}}}'.encode())
    listing = await list_offers(provider.url)
    assert [offer.provider_offer_id for offer in listing.offers] == ["good"]
    assert listing.left_out == 1


@pytest.mark.parametrize("name", ["a\\nb", "\\ud800", "x" * 201, "\\u0000", "\\u202e"])
async def test_a_name_that_would_break_out_leaves_the_item_out(
    name: str, provider: Provider, list_offers: Asking
) -> None:
    provider.says(f'{{"data":{{{item("a", name)},{item("b", "good")}}}}}'.encode())
    listing = await list_offers(provider.url)
    assert [offer.provider_offer_id for offer in listing.offers] == ["good"]
    assert listing.left_out == 1


async def test_one_name_under_two_keys_is_one_offer_and_the_later_wins(provider: Provider, list_offers: Asking) -> None:
    provider.says(f'{{"data":{{{item("a", "same", "100")},{item("b", "same", "200")}}}}}'.encode())
    (offer,) = (await list_offers(provider.url)).offers
    assert offer.price_per_hour == 2


@pytest.mark.parametrize(
    "sends",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", b"HTTP/1.1 200 OK\r\n"],
    ids=["nothing", "headers only", "half of the headers"],
)
async def test_silence_ends_at_the_deadline(sends: bytes, wire: Wire, list_offers: Asking) -> None:
    wire.sends, wire.hangs = sends, True
    assert (await failure(list_offers, wire.url, deadline_s=0.2)).kind is FailureKind.TIMEOUT
    await asyncio.wait_for(wire.closed.wait(), 5)  # the line is not kept for the next call


@pytest.mark.parametrize(
    ("sends", "kind"),
    [
        (b"", FailureKind.CONNECTION),
        (b"SSH-2.0-OpenSSH_9.2\r\n", FailureKind.UNDECODABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", FailureKind.UNDECODABLE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FailureKind.UNDECODABLE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}", FailureKind.UNDECODABLE),
    ],
    ids=["hung up", "another protocol", "cut off", "bad chunk", "huge header"],
)
async def test_a_broken_answer(sends: bytes, kind: FailureKind, wire: Wire, list_offers: Asking) -> None:
    wire.sends = sends
    assert (await failure(list_offers, wire.url)).kind is kind


async def test_nobody_listens(unused_tcp_port: int, list_offers: Asking) -> None:
    failed = await failure(list_offers, f"http://127.0.0.1:{unused_tcp_port}")
    assert failed.kind is FailureKind.CONNECTION


async def test_an_endpoint_that_is_no_url(list_offers: Asking) -> None:
    assert (await failure(list_offers, "nonsense:99999999")).kind is FailureKind.CONNECTION


@pytest.mark.parametrize(
    "credential", [{}, {"api_key": Secret("")}, {"api_key": Secret("a\r\nX-Admin: 1")}, {"api_key": Secret("clé")}]
)
async def test_a_credential_that_fits_no_header_is_never_sent(
    credential: dict[str, Secret], provider: Provider, list_offers: Asking
) -> None:
    with pytest.raises(ProviderFailed) as failed:
        await list_offers(provider.url, credential=credential)
    assert failed.value.kind is FailureKind.CREDENTIAL
    assert provider.asked == []


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_failure_says_nothing_of_the_credential(status: int, provider: Provider, list_offers: Asking) -> None:
    provider.says(KEY.encode(), status, {"X-Echo": KEY})
    failed = await failure(list_offers, provider.url)
    assert KEY not in "".join(traceback.format_exception(failed))
    assert failed.__context__ is None


async def test_a_broken_line_says_nothing_of_the_credential(wire: Wire, list_offers: Asking) -> None:
    wire.sends = b"HTTP/1.1 200 " + KEY.encode() + b"\r\nbroken\r\n\r\n"
    failed = await failure(list_offers, wire.url)
    assert KEY not in "".join(traceback.format_exception(failed))
    assert failed.__context__ is None  # what is not printed may still be walked by a crash reporter
