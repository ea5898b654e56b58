"""The defaults mean what their types say, and the reference gateway's own copy agrees."""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from gatespec.catalogue import Setting, load_catalogue
from reference_gateway.edge import settings as gateway

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = list(load_catalogue().settings.values())
CRON_FIELDS = 5
each = pytest.mark.parametrize("row", SETTINGS, ids=[s.name for s in SETTINGS])


def _matching(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return read


READERS: dict[str, Callable[[str], Any]] = {
    "seconds": Decimal,
    "int": int,
    "float": float,
    "ratio": Decimal,
    "bool": lambda text: bool(("0", "1").index(text)),
    "address": _matching(r"[^:\s]+:[0-9]{1,5}"),
    "url": lambda text: urlsplit(text).port,
    "path": _matching(r"\S+"),
    "cron": _matching(r"\s".join([r"[0-9*/,-]+"] * CRON_FIELDS)),
    "cidrs": lambda text: [ip_network(part) for part in text.split(",")],
    "text": str,
}


@each
def test_a_default_can_be_read_and_lies_within_its_bounds(row: Setting) -> None:
    if row.default:
        value = READERS[row.type](row.default)
        assert row.minimum is None or float(value) >= row.minimum
        assert row.maximum is None or float(value) <= row.maximum


@each
def test_whoever_leaves_it_out_knows_what_happens(row: Setting) -> None:
    known = [bool(row.default), bool(row.default_means), row.required]
    pair = "required beside" in row.meaning or row.name == "GATEWAY_VAULT_ADDR"
    assert sum(known) == 1 or pair
    assert (row.minimum is None) == (row.type not in {"seconds", "int", "float", "ratio"})


def test_the_group_names_are_written_out() -> None:
    assert {s.name.removeprefix("GATEWAY_BREAKER_") for s in SETTINGS if "_BREAKER_" in s.name} == {
        "WINDOW",
        "FAILURE_RATE",
        "OPEN_S",
        "TRIALS",
        "TRIAL_S",
    }


SERVED = [gateway.variable_of(field) for field in gateway.Settings.model_fields]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "public.pem"
    key.write_text("a key")
    return {
        "GATEWAY_DATABASE_URL": "postgresql://127.0.0.1/gateway",
        "GATEWAY_REDIS_URL": "redis://127.0.0.1:6379/0",
        "GATEWAY_VAULT_ADDR": "http://127.0.0.1:8200",
        "GATEWAY_VAULT_ROLE_ID": "a-role",
        "GATEWAY_VAULT_SECRET_ID": "a-secret-id",
        "GATEWAY_JWT_PUBLIC_KEY_FILE": str(key),
        "GATEWAY_JWT_ISSUER": "issuer",
        "GATEWAY_JWT_AUDIENCE": "audience",
    }


def _loaded(environment: dict[str, str], name: str) -> object:
    return getattr(gateway.load(environment), name.removeprefix("GATEWAY_").lower())


@pytest.mark.parametrize("name", SERVED)
def test_the_gateway_starts_from_the_same_default(name: str, environment: dict[str, str]) -> None:
    row = load_catalogue().settings[name]
    assert row.required == (name in environment)
    if row.default:
        assert _loaded(environment, name) == _loaded({**environment, name: row.default}, name)


@pytest.mark.parametrize("name", SERVED)
def test_the_gateway_accepts_what_every_gateway_accepts(name: str, environment: dict[str, str]) -> None:
    row = load_catalogue().settings[name]
    for bound in (row.minimum, row.maximum):
        if bound is not None:
            assert _loaded({**environment, name: f"{bound:f}".rstrip("0").rstrip(".")}, name) == Decimal(str(bound))
