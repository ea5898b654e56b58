"""The checkout as a person sees it: its files, without what tools and runs leave in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
HIDDEN_BUT_OURS = {".ci", ".github"}
LEFT_BY_TOOLS = {"__pycache__", "build", "dist", "node_modules", "out"}


def files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Every file below `root` with one of these suffixes (none: any), in order; folders of tools are passed over."""
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            if path.name in HIDDEN_BUT_OURS or not (path.name.startswith(".") or path.name in LEFT_BY_TOOLS):
                yield from files(path, *suffixes)
        elif not suffixes or path.suffix in suffixes:
            yield path
