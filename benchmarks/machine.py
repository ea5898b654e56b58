"""On what the numbers came about: cores and versions, no name of the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

LIBRARIES = ("granian", "django", "django-ninja", "redis", "hypothesis", "k6")


def facts() -> dict[str, object]:
    """What a reader needs to compare, and nothing that tells which machine it was."""
    return {
        "cores": cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
