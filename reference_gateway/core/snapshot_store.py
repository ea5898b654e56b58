"""Snapshots as instances share them: the port to the store, and the bytes that lie in it.

A snapshot is a small manifest that names versions of lists; each version is stored once, however many snapshots and
questions are made of it. So the noise of strangers' filters stores nothing but manifests.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

from reference_gateway.core.offer import Offer
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.pages import Moment, ProviderList

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPRESSION: Final = 1
"""zlib's fastest: offers are alike, so it already leaves a tenth."""
BLOB_MAX_BYTES: Final = 8 * 1024 * 1024
"""Compressed, of one list: some 100,000 offers of one provider."""
UNPACKED_MAX_BYTES: Final = 256 * 1024 * 1024
"""What a blob may become again: the store is ours, but a bound costs nothing."""

_FIELDS: Final = tuple(field.name for field in fields(Offer))
_DECIMALS: Final = frozenset(
    _FIELDS.index(name)
    for name in ("gpu_memory_gb", "ram_gb", "storage_gb", "price_per_hour", "spot_price", "performance")
)
_MALFORMED: Final = (ValueError, TypeError, KeyError, IndexError, ArithmeticError)
_TAGS: Final = _FIELDS.index("compliance_tags")


class SnapshotStore(Protocol):
    """Where all instances keep what cursors lead to; every method raises `StoreAway` once its budget is spent."""

    async def put(self, blobs: Mapping[str, bytes], keep_ms: int) -> None:
        """Keep each blob under its key for `keep_ms`."""

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what is kept under each key."""

    async def agree(self, key: bytes) -> bytes:
        """Return the key that cursors are sealed with: the one that is kept, or `key`, which is kept from now on."""


class Unreadable(ValueError):  # noqa: N818 - it is a state of the store
    """Bytes that no instance of this version has written."""


def manifest_key(snapshot_id: str) -> str:
    """Where a snapshot's manifest lies."""
    return f"snapshot:{snapshot_id}"


def list_key(provider: str, version: str) -> str:
    """Where a version of a provider's list lies."""
    return f"snapshot:list:{provider}:{version}"


def pack_manifest(moment: Moment) -> bytes:
    """Write which lists a snapshot is made of."""
    return _pack({
        "as_of_ms": moment.as_of_ms,
        "lists": [[each.provider, each.version] for each in moment.lists],
        "warnings": [[w.code, w.provider, w.detail, w.as_of_ms] for w in moment.warnings],
    })  # fmt: skip


def unpack_manifest(blob: bytes) -> tuple[int, list[tuple[str, str]], tuple[AnswerWarning, ...]]:
    """Read a manifest: its moment, its lists' providers and versions, its warnings; raises `Unreadable`."""
    try:
        said = _unpack(blob)
        return (
            said["as_of_ms"],
            [tuple(each) for each in said["lists"]],
            tuple(AnswerWarning(*w) for w in said["warnings"]),
        )
    except _MALFORMED as error:
        raise Unreadable(str(error)) from None


def pack_list(each: ProviderList) -> bytes:
    """Write a list, every number exactly."""
    rows = [_row(offer) for offer in each.offers]
    return _pack([each.provider, each.version, each.as_of_ms, rows])


def unpack_list(blob: bytes) -> ProviderList:
    """Read a list; raises `Unreadable`."""
    try:
        provider, version, as_of_ms, rows = _unpack(blob)
        return ProviderList(provider, version, as_of_ms, tuple(map(_offer, rows)))
    except _MALFORMED as error:
        raise Unreadable(str(error)) from None


def _row(offer: Offer) -> list[Any]:
    row = [getattr(offer, name) for name in _FIELDS]
    for index in _DECIMALS:
        row[index] = None if row[index] is None else str(row[index])
    return row


def _offer(row: list[Any]) -> Offer:
    for index in _DECIMALS:
        row[index] = None if row[index] is None else Decimal(row[index])
    row[_TAGS] = tuple(row[_TAGS])
    return Offer(**dict(zip(_FIELDS, row, strict=True)))


def _pack(value: object) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), COMPRESSION)


def _unpack(blob: bytes) -> Any:  # noqa: ANN401 - whatever JSON says
    unpacking = zlib.decompressobj()
    try:
        return json.loads(unpacking.decompress(blob, UNPACKED_MAX_BYTES))
    except (zlib.error, ValueError) as error:
        raise Unreadable(str(error)) from None
