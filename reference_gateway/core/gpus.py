"""Canonical GPU names: what providers' spellings mean, and what a filter's word covers; by table, never by prefix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reference_gateway.core.tables.gpus import GPUS, Gpu

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Gpu", "UnknownGpu", "find_gpu", "names_covered"]

_SEPARATORS = re.compile(r"[ _-]+")


class UnknownGpu(LookupError):  # noqa: N818 - the name that the offers' rooms know it by
    """A spelling that the table does not have."""


def _same(spelling: str) -> str:
    """Fold case and separators, in ASCII only: the Kelvin sign in lower case is our `k`."""
    return _SEPARATORS.sub(" ", spelling.lower()) if spelling.isascii() else spelling


def _by_spelling() -> dict[str, Gpu]:
    return {_same(spelling): gpu for gpu in GPUS for spelling in (gpu.name, *gpu.aliases)}


def _by_word() -> dict[str, tuple[str, ...]]:
    """A family wins over a spelling of one member: whoever asks for `H100` means all of them, not the bare one."""
    words: dict[str, tuple[str, ...]] = {spelling: (gpu.name,) for spelling, gpu in _BY_SPELLING.items()}
    for gpu in GPUS:
        words[_same(gpu.family)] = tuple(member.name for member in GPUS if member.family == gpu.family)
    return words


_BY_SPELLING: Final[Mapping[str, Gpu]] = _by_spelling()
_BY_WORD: Final[Mapping[str, tuple[str, ...]]] = _by_word()


def find_gpu(spelling: str) -> Gpu:
    """The model that a provider means by `spelling`; raises `UnknownGpu`."""
    try:
        return _BY_SPELLING[_same(spelling)]
    except KeyError:
        raise UnknownGpu(spelling) from None


def names_covered(word: str) -> tuple[str, ...]:
    """The canonical names that a filter's `word` (name, family or alias) asks for; raises `UnknownGpu`."""
    try:
        return _BY_WORD[_same(word)]
    except KeyError:
        raise UnknownGpu(word) from None
