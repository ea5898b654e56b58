"""`python -m gatespec.composed.export`: tell the judge outside where the local stack's servers are, and how to get in.

It runs as root, with no more of root's powers than to read what is others' and to give the file to whoever owns the
checkout; nobody else may read it.
"""

from __future__ import annotations

import json
import os
import sys

from gatespec.composed import places

TO_OWNER = 0o600


def main() -> int:
    """Write it anew at each start of the stack."""
    password = (places.POSTGRES / places.PASSWORD).read_text(encoding="utf-8")
    token = json.loads((places.VAULT / places.KEYS).read_text(encoding="utf-8"))["root_token"]
    url = f"postgresql://{places.OWNER}:{password}@{places.published('postgres')}/postgres"
    told = {"postgres": {"url": url}, "vault": {"address": f"http://{places.published('vault')}", "token": token}}
    file, owner = places.EXPORT / places.EXTERNAL, places.EXPORT.stat()
    places.write(file, "\n".join(map(_table, told.items())), TO_OWNER)
    os.chown(file, owner.st_uid, owner.st_gid)
    return 0


def _table(named: tuple[str, dict[str, str]]) -> str:
    """A JSON string is a TOML basic string."""
    name, values = named
    return "".join([f"[{name}]\n", *(f"{key} = {json.dumps(value)}\n" for key, value in values.items())])


if __name__ == "__main__":
    sys.exit(main())
