"""The folder that a command is told to write into."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gatespec.errors import usage


def writable(named: str) -> Path:
    """Make the folder of `--out` if need be; a usage error where nothing can be written there."""
    hint = "name a folder that can be written: --out DIR"
    if not named:
        raise usage("out-unwritable", "--out is empty", hint=hint)
    out = Path(named)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise usage("out-unwritable", f"--out {named}: {error.strerror}", hint=hint) from error
    return out
