"""What is written into the store is read back exactly, and nothing else is read at all."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.adapters.redis import stored_snapshots
from reference_gateway.adapters.redis.stored_snapshots import (
    Unreadable,
    list_key,
    manifest_key,
    pack_list,
    pack_manifest,
    unpack_list,
    unpack_manifest,
)
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.pages import moment_of, version_of
from tests.gateway_pages.offers_at_hand import NOW_MS, list_of, lists, offer

if TYPE_CHECKING:
    from reference_gateway.core.pages import ProviderList

LIST = list_of("lambda", tuple(offer("lambda", number) for number in range(300)))


@given(lists())
def test_lists_come_back_as_they_were(some: tuple[ProviderList, ...]) -> None:
    for each in some:
        read = unpack_list(each.provider, each.version, each.as_of_ms, pack_list(each))
        assert read == each
        assert [str(o.price_per_hour) for o in read.offers] == [str(o.price_per_hour) for o in each.offers]
        assert version_of(read.as_of_ms, read.offers) == each.version


@given(lists(), st.sampled_from([None, NOW_MS]))
def test_a_manifest_comes_back_as_it_was(some: tuple[ProviderList, ...], as_of_ms: int | None) -> None:
    moment = moment_of(some, [AnswerWarning("stale", "vast", "of old \N{EURO SIGN}", as_of_ms)], NOW_MS)
    names = tuple((each.provider, each.version, each.as_of_ms) for each in moment.lists)
    assert unpack_manifest(pack_manifest(moment)) == (moment.as_of_ms, names, moment.warnings)


def packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value).encode())


def list_in(blob: bytes) -> ProviderList:
    return unpack_list("lambda", "v", 1, blob)


@pytest.mark.parametrize("read", [list_in, unpack_manifest])
@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"nonsense",
        pack_list(LIST)[:-100],
        packed({}),
        packed(None),
        packed([1, 2]),
        packed({"as_of_ms": 1, "lists": 7, "warnings": []}),
        packed({"as_of_ms": 1, "lists": [], "warnings": [[]]}),
        packed({"as_of_ms": 1, "lists": [["lambda", "v"]], "warnings": []}),
        packed({"as_of_ms": "x", "lists": [], "warnings": []}),
        packed([[]]),
        packed([["x"] * 23]),
        packed([7]),
        zlib.compress(b"\xff"),
    ],
)
def test_what_nobody_has_written_is_unreadable(read: object, blob: bytes) -> None:
    assert callable(read)
    with pytest.raises(Unreadable):
        read(blob)


def test_what_unpacks_beyond_the_bound_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = pack_list(LIST)
    monkeypatch.setattr(stored_snapshots, "UNPACKED_MAX_BYTES", 1000)
    with pytest.raises(Unreadable):
        list_in(blob)


def test_offers_are_alike_and_take_a_tenth() -> None:
    rows = sum(len(str(each)) for each in LIST.offers)
    assert len(pack_list(LIST)) < rows / 10


def test_a_key_names_provider_and_version() -> None:
    assert len({list_key("a", "1"), list_key("a", "2"), list_key("b", "1"), manifest_key("1")}) == 4
