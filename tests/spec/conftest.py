from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from gatespec.catalogue import Catalogue, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def schemas() -> Registry[Any]:
    """Every schema, both as OpenAPI names it and as the schemas name each other."""
    folder = ROOT / "spec" / "schemas"
    read = {path.name: Resource.from_contents(json.loads(path.read_text())) for path in folder.glob("*.json")}
    return Registry().with_resources([(prefix + name, r) for name, r in read.items() for prefix in ("", "schemas/")])


@pytest.fixture(scope="session")
def faults_in(schemas: Registry[Any]) -> Callable[[dict[str, Any], Any], list[str]]:
    """What a schema says against a value, as text."""

    def faults(schema: dict[str, Any], value: object) -> list[str]:
        validator = Draft202012Validator(schema, registry=schemas, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    return faults
