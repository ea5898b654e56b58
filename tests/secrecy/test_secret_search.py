"""The search finds a secret in every writing that P19 names, and nothing where there is none."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import textwrap
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import brotli  # type: ignore[import-untyped] # it has no stubs
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gatespec.secrecy.canaries import Canaries, Canary, new_secret
from gatespec.secrecy.search import Searcher

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=80)
AROUND = st.binary(max_size=40)


def percent_all(text: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in text)


def percent_some(text: bytes) -> bytes:
    return b"".join(
        b"%%%02x" % byte if place % 3 == 0 else quote(bytes([byte])).encode() for place, byte in enumerate(text)
    )


def json_escaped(text: bytes) -> bytes:
    return "".join(
        f"\\u{byte:04x}" if place % 2 else json.dumps(chr(byte))[1:-1] for place, byte in enumerate(text)
    ).encode()


def wrapped_base64(text: bytes) -> bytes:
    return "\n".join(textwrap.wrap(base64.b64encode(text).decode(), 20)).encode()


WRITINGS: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda text: text,
    "percent, all": percent_all,
    "percent, some": percent_some,
    "json": json_escaped,
    "json, slashes": lambda text: json.dumps(text.decode())[1:-1].replace("/", "\\/").encode(),
    "hex": lambda text: text.hex().encode(),
    "hex, capitals": lambda text: text.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64, second": lambda text: base64.b64encode(b"x" + text),
    "base64, third": lambda text: base64.b64encode(b"xy" + text),
    "base64url": lambda text: base64.urlsafe_b64encode(b"z" + text).rstrip(b"="),
    "base64, wrapped": wrapped_base64,
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "utf-16": lambda text: text.decode().encode("utf-16-le"),
    "gzip of json": lambda text: gzip.compress(b'{"a": "' + json_escaped(text) + b'"}'),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(text)),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text)),
    "hex of base64": lambda text: base64.b64encode(text).hex().encode(),
    "gzip of gzip": lambda text: gzip.compress(gzip.compress(text)),
}


@pytest.mark.parametrize("name", WRITINGS)
@given(secret=SECRETS, before=AROUND, behind=AROUND)
@settings(max_examples=40, deadline=None)
def test_a_secret_is_found_in_every_writing(name: str, secret: str, before: bytes, behind: bytes) -> None:
    edge = b"" if name in {"raw", "gzip", "zlib", "zstd"} else b"\x01"
    held = before + edge + WRITINGS[name](secret.encode()) + edge + behind
    found = Searcher([Canary("api-key", secret)]).find(held)
    assert {each.kind for each in found} == {"api-key"}, name


@given(
    secret=SECRETS, padding=st.integers(0, 2), before=st.binary(min_size=0, max_size=5), behind=st.binary(max_size=5)
)
def test_it_is_found_in_base64_of_anything_around_it(secret: str, padding: int, before: bytes, behind: bytes) -> None:
    held = base64.b64encode(bytes(padding) + before + secret.encode() + behind)
    assert Searcher([Canary("x", secret)]).find(held)
    assert Searcher([Canary("x", secret)]).find(held.translate(bytes.maketrans(b"+/", b"-_")))


def test_a_piece_in_brotli_is_opened_where_it_is_said_to_be() -> None:
    secret = new_secret("gs-")
    assert Searcher([Canary("x", secret)]).find_in_brotli(brotli.compress(b"{" + secret.encode()))
    assert Searcher([Canary("x", secret)]).find_in_brotli(b"no brotli") == []


@given(noise=st.binary(max_size=5_000))
@settings(max_examples=200, deadline=None)
def test_nothing_is_found_in_noise(noise: bytes) -> None:
    assert SOME.find(noise) == []


SOME = Searcher([Canary("x", new_secret("gs-")) for _ in range(50)])


def test_a_bomb_ends_the_look_into_it() -> None:
    secret = new_secret("gs-")
    bomb = gzip.compress(bytes(300 * 1024 * 1024), compresslevel=1)
    assert [each.encoding for each in Searcher([Canary("x", secret)]).find(bomb + secret.encode())] == ["raw"]


def test_a_stream_that_is_cut_off_had_its_beginning() -> None:
    secret = new_secret("gs-")
    whole = zlib.compress(secret.encode() + bytes(range(256)) * 100)
    assert Searcher([Canary("x", secret)]).find(whole[: len(whole) // 2])


def test_what_is_found_says_which_and_where_and_never_the_secret() -> None:
    secret, other = new_secret("gs-"), new_secret("gs-")
    held = f'{{"authorization": "Bearer {other}{secret}", "tail": 1}}'.encode()
    found = Searcher([Canary("api-key", secret)]).find(held)
    assert [(each.kind, each.encoding, each.offset) for each in found] == [
        ("api-key", "raw", held.index(secret.encode()))
    ]
    shown = repr(found)
    assert not any(
        secret[start : start + 8] in shown or other[start : start + 8] in shown for start in range(len(secret) - 8)
    )


def test_a_canary_shows_and_gives_itself_to_nobody() -> None:
    canary = Canary("api-key", new_secret("gs-"))
    assert canary.text not in repr(canary) + str(canary)
    with pytest.raises(TypeError):
        pickle.dumps(canary)


def test_what_is_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        Canaries().add("password", "short")


def test_a_token_is_known_by_its_signature() -> None:
    known = Canaries()
    known.add_token("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ." + "s" * 342)
    searcher = Searcher(known.all)
    assert searcher.find(b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.") == []
    assert searcher.find(b"Bearer x.y." + b"s" * 342)
