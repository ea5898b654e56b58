"""`gatespec list`: every property in one line."""

from __future__ import annotations

from gatespec.catalogue import Property, load_catalogue

_HEAD = ("id", "title", "level", "profile", "tiers", "state")


def list_properties() -> None:
    """Show every property in one line."""
    rows = [_HEAD, *(_row(row) for row in load_catalogue().properties.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())  # noqa: T201 - the command's output


def _row(row: Property) -> tuple[str, ...]:
    state = "provisional" if row.provisional else "judged"
    return (row.id, row.title, row.level, row.profile, ", ".join(row.tiers), state)
