"""The target's strict list of known failures: what is on it may be broken, and must be."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatespec.errors import GatespecError, usage
from gatespec.ports import Tier  # noqa: TC001 - pydantic reads it at run time
from gatespec.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatespec.target import Target
    from gatespec.verdict import Judgement


class KnownFailure(BaseModel):
    """One row: which judgement is known to be broken, and why it is not mended yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    property: Annotated[str, Field(pattern=r"^(P\d\d|CONTRACT)$")]
    tier: Tier
    reason: Annotated[str, Field(min_length=1)]


def load_known_failures(target: Target) -> tuple[KnownFailure, ...]:
    """Read the list; a usage error names the row at fault."""
    if target.known_failures is None:
        return ()
    path = target.folder / target.known_failures
    try:
        written: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(KnownFailure.model_validate(row) for row in written.get("known", []))
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error
    except tomllib.TOMLDecodeError as error:
        raise _unusable(path, f"is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _unusable(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _unusable(path: Path, why: str) -> GatespecError:
    hint = "each row is [[known]] with property (P08), tier (wire) and reason"
    return usage("known-failures", f"known_failures: {path}: {why}", hint=hint)


def with_known_failure(known: Iterable[KnownFailure], judgement: Judgement) -> Judgement:
    """Mark what is known to be broken; what is on the list and holds is broken, for the list says otherwise."""
    asked = (judgement.property_id, judgement.tier)
    reason = next((row.reason for row in known if (row.property, row.tier) == asked), None)
    if reason is None:
        return judgement
    if judgement.verdict is Verdict.BROKEN:
        return replace(judgement, known_failure=True, reason=f"known: {reason}; {judgement.reason}")
    if judgement.verdict is Verdict.HOLDS:
        told = "listed as a known failure, but it holds: take it off the list"
        return replace(judgement, verdict=Verdict.BROKEN, reason=told)
    return judgement
