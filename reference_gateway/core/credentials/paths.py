"""Where credentials lie under the mount. Source: the contract's section 4, Vault paths.

A user's `sub` is his issuer's to choose: what could change a path's shape is percent-encoded, all else stays readable.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

KEPT = "".join(map(chr, range(0x21, 0x7F))).translate(str.maketrans("", "", "/%\\?#"))
"""Of ASCII's printable signs those that mean nothing in a path."""
_DOTS = re.compile(r"\.+")


def segment(name: str) -> str:
    """One segment of a path: never empty, never `.` or `..`, and without a slash; `unquote` gives the name back."""
    if not name or _DOTS.fullmatch(name):
        return "%" + "%".join(f"{byte:02X}" for byte in name.encode()) if name else "%"
    return quote(name, safe=KEPT, encoding="utf-8", errors="surrogatepass")


def house_path(provider: str) -> str:
    """Where the house's credential for a provider lies."""
    return f"providers/{segment(provider)}"


def user_folder(user: str) -> str:
    """Where all of a user's own credentials lie."""
    return f"users/{segment(user)}/providers"


def user_path(user: str, provider: str) -> str:
    """Where his credential for a provider lies."""
    return f"{user_folder(user)}/{segment(provider)}"


def named(found: str) -> str:
    """Return the provider whose segment was found in a folder."""
    return unquote(found)
