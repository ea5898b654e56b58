"""Snapshots as Redis keeps them: a small manifest that names versions of lists, and each version once, compressed.

However many questions and snapshots are made of a list, it is stored once; so the noise of strangers' filters stores
nothing but manifests.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reference_gateway.adapters.redis import stored_offers
from reference_gateway.core.offers import AnswerWarning
from reference_gateway.core.pages import ProviderList

if TYPE_CHECKING:
    from reference_gateway.core.pages import Moment

COMPRESSION: Final = 1
"""zlib's fastest: offers are alike, so it already leaves a tenth."""
UNPACKED_MAX_BYTES: Final = 256 * 1024 * 1024
"""What a blob may become again: the store is ours, but a bound costs nothing."""


class Unreadable(ValueError):  # noqa: N818 - it is a state of the store
    """Bytes that no instance of this version has written."""


class Manifest(NamedTuple):
    """What a snapshot is made of: its moment, its lists by provider, version and moment, its warnings."""

    as_of_ms: int
    lists: tuple[tuple[str, str, int], ...]
    warnings: tuple[AnswerWarning, ...]


def manifest_key(snapshot_id: str) -> str:
    """Where a snapshot's manifest lies."""
    return f"snapshot:{snapshot_id}"


def list_key(provider: str, version: str) -> str:
    """Where a version of a provider's list lies."""
    return f"snapshot:list:{stored_offers.VERSION}:{provider}:{version}"


def pack_manifest(moment: Moment) -> bytes:
    """Write which lists a snapshot is made of."""
    said = {
        "as_of_ms": moment.as_of_ms,
        "lists": [[each.provider, each.version, each.as_of_ms] for each in moment.lists],
        "warnings": [[each.code, each.provider, each.detail, each.as_of_ms] for each in moment.warnings],
    }
    return _compressed(json.dumps(said, separators=(",", ":")).encode())


def unpack_manifest(blob: bytes) -> Manifest:
    """Read a manifest; raises `Unreadable`."""
    try:
        said: Any = json.loads(_expanded(blob))
        lists = tuple((str(provider), str(version), int(as_of_ms)) for provider, version, as_of_ms in said["lists"])
        return Manifest(int(said["as_of_ms"]), lists, tuple(AnswerWarning(*each) for each in said["warnings"]))
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(str(error)) from None


def pack_list(each: ProviderList) -> bytes:
    """Write a list's offers, every number exactly; all else of it is in its key and the manifest."""
    return _compressed(stored_offers.encode(each.offers))


def unpack_list(provider: str, version: str, as_of_ms: int, blob: bytes) -> ProviderList:
    """Read a list; raises `Unreadable`."""
    try:
        return ProviderList(provider, version, as_of_ms, stored_offers.decode(_expanded(blob)))
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _compressed(text: bytes) -> bytes:
    return zlib.compress(text, COMPRESSION)


def _expanded(blob: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(blob, UNPACKED_MAX_BYTES)
    except zlib.error as error:
        raise Unreadable(str(error)) from None
