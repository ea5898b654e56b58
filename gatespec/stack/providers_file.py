"""The providers file that the judge hands to a gateway: simulated providers at their simulators."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatespec.read_ports import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatespec.read_ports import Shape


@dataclass(frozen=True)
class Provider:
    """One provider under a free name."""

    name: str
    shape: Shape = PLAIN


def endpoints_of(provider: Provider, simulators_url: str) -> list[str]:
    """The base URL of each endpoint: one alone has the provider's own, several are told apart by their place."""
    own = f"{simulators_url}/{provider.name}"
    several = range(len(provider.shape.weights))
    return [own] if len(several) == 1 else [f"{own}@{place}" for place in several]


def write_providers_file(file: Path, providers: Iterable[Provider], simulators_url: str) -> None:
    """Write each with its endpoints at the simulators; the format is the contract's, section 3."""
    lines = (line for provider in providers for line in _lines(provider, simulators_url))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(provider: Provider, simulators_url: str) -> Iterator[str]:
    # A JSON string is a TOML basic string, quotes and escapes alike.
    shape = provider.shape
    yield "[[provider]]"
    yield f"name = {json.dumps(provider.name)}"
    yield f"adapter = {json.dumps(shape.adapter)}"
    yield f"concurrency = {shape.concurrency}"
    yield f"queue = {shape.queue}"
    if shape.poll_s is not None:
        yield f"poll_s = {shape.poll_s}"
    if shape.rate_per_s is not None:
        yield f"rate_per_s = {shape.rate_per_s}"
    for url, weight in zip(endpoints_of(provider, simulators_url), shape.weights, strict=True):
        yield "[[provider.endpoint]]"
        yield f"url = {json.dumps(url)}"
        yield f"weight = {weight}"
