"""The target file as a JSON Schema, for editors and for teams that write one by program.

`python -m gatespec.target_schema` writes spec/schemas/target.json; the model in `target` is the only truth by hand.
"""

from __future__ import annotations

import json
import sys

from gatespec.suites import spec_dir
from gatespec.target import Target

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render() -> str:
    """Write the schema of what may stand in a target file: `folder` is only known to whoever reads it."""
    schema = Target.model_json_schema()
    del schema["properties"]["folder"]
    one_door = {"oneOf": [{"required": ["command"]}, {"required": ["url"]}]}
    return json.dumps({"$schema": DIALECT, **schema, **one_door}, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file anew."""
    (spec_dir() / "schemas" / "target.json").write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
