"""The providers file that the judge hands to a gateway: simulated providers, one endpoint each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONCURRENCY = 10
QUEUE = 100


@dataclass(frozen=True)
class Provider:
    """One provider under a free name, spoken to by an adapter."""

    name: str
    adapter: str


def write_providers_file(file: Path, providers: Iterable[Provider], simulators_url: str) -> None:
    """Write each with its simulator as its only endpoint; the format is the contract's, section 3."""
    file.write_text("\n".join(_entry(provider, simulators_url) for provider in providers), encoding="utf-8")


def _entry(provider: Provider, simulators_url: str) -> str:
    # A JSON string is a TOML basic string, quotes and escapes alike.
    return f"""\
[[provider]]
name = {json.dumps(provider.name)}
adapter = {json.dumps(provider.adapter)}
concurrency = {CONCURRENCY}
queue = {QUEUE}
[[provider.endpoint]]
url = {json.dumps(f"{simulators_url}/{provider.name}")}
weight = 1
"""
