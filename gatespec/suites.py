"""Where `spec/` and the suites lie: beside the package in a checkout, under `_suites` in the wheel."""

from __future__ import annotations

from pathlib import Path

from gatespec.errors import unable

_PACKAGE = Path(__file__).resolve().parent


def suites_root() -> Path:
    """The folder that holds `spec/` and `properties/`."""
    for root in (_PACKAGE / "_suites", _PACKAGE.parent):
        if (root / "spec" / "properties.toml").is_file():
            return root
    raise unable(
        "suites-missing",
        "the specification is not where this package looks for it",
        tried=f"{_PACKAGE / '_suites'} and {_PACKAGE.parent}",
        hint="install the wheel again, or run from a complete checkout",
    )


def spec_dir() -> Path:
    """The specification as data."""
    return suites_root() / "spec"


def properties_dir() -> Path:
    """The chapters, one file per property."""
    return suites_root() / "properties"
