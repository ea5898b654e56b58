"""The specification as values: what `spec/*.toml` says, checked and read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gatespec.errors import GatespecError, unable, usage
from gatespec.ports import Tier  # noqa: TC001 - pydantic reads it at run time
from gatespec.suites import spec_dir
from gatespec.target import Profile  # noqa: TC001 - pydantic reads it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PropertyId = Annotated[str, Field(pattern=r"^P\d\d$")]
Text = Annotated[str, Field(min_length=1)]
SettingType = Literal["seconds", "int", "address", "url", "path", "cron", "float", "bool", "cidrs", "text", "ratio"]
Row = TypeVar("Row", bound="_Row")
NEAR_MATCHES_MAX = 3


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mark(_Row):
    """Something that a run must have seen, or its verdict is `inconclusive`."""

    mark: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    meaning: Text
    tiers: tuple[Tier, ...] = ()
    """The tiers that can show it; empty: every tier of the property."""


class Bound(_Row):
    """A time that a property promises, and why it is this long."""

    name: Text
    value: Text
    """With its unit: `1 s`."""
    setting: str = ""
    """The variable that shortens it; empty where none does."""
    reason: Text


class Source(_Row):
    """Where a property comes from."""

    contract: Text
    requirements: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    """Tasks of the original plan, with the property test that names it."""


class Property(_Row):
    """One promise about every execution of a gateway."""

    id: PropertyId
    title: Text
    level: Literal["MUST", "SHOULD"]
    should: str = ""
    """The part of the statement that is only a SHOULD, word for word."""
    statement: Text
    source: Source
    profile: Profile
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    evidence: Annotated[tuple[Mark, ...], Field(min_length=1)]
    bounds: tuple[Bound, ...] = ()
    freedoms: tuple[str, ...] = ()
    """What the statement does not promise."""
    provisional: bool = False
    """No chapter judges it yet; its marks and tiers may still change."""

    def marks(self, tier: Tier) -> tuple[str, ...]:
        """Return the evidence that a run on `tier` must have seen, in the order of the specification."""
        return tuple(e.mark for e in self.evidence if not e.tiers or tier in e.tiers)


class Setting(_Row):
    """One environment variable of the contract."""

    name: Annotated[str, Field(pattern=r"^(GATEWAY|OTEL)_[A-Z0-9_]+$")]
    type: SettingType
    default: str | None = None
    """As environment text; None where the contract gives none, empty where empty turns something off."""
    default_means: str = ""
    """What happens without a value, where the text alone does not say it."""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    meaning: Text


class ProblemCode(_Row):
    """One `code` of an `application/problem+json` body."""

    code: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]
    status: Annotated[int, Field(ge=400, le=599)]
    title: Text
    when: Text
    retry_after: bool
    """Whether the answer carries `Retry-After`."""
    field: bool
    """Whether the body names the `field` at fault."""


class Requirement(_Row):
    """One demand that the product answers for."""

    id: Annotated[str, Field(pattern=r"^([TJ]\d+(\.\d+)?|R\d+\.\d+|C-[a-z0-9]+(-[a-z0-9]+)*)$")]
    demand: Text
    source: Text
    covered_by: tuple[str, ...] = ()
    """Property ids, and paths of tests or benchmarks from the checkout's root."""
    when: str = ""
    """What will cover it, or the rest of it; empty where nothing is left."""
    excluded: str = ""
    """Why nothing here will ever cover it."""

    @model_validator(mode="after")
    def _answered(self) -> Requirement:
        if not (self.covered_by or self.when or self.excluded):
            raise ValueError("a requirement is covered_by something, or says when, or why it is excluded")
        if self.excluded and (self.covered_by or self.when):
            raise ValueError("an excluded requirement is neither covered nor planned")
        return self


@dataclass(frozen=True)
class Catalogue:
    """Everything that `spec/*.toml` says, in its order."""

    properties: Mapping[str, Property]
    settings: Mapping[str, Setting]
    errors: Mapping[str, ProblemCode]
    requirements: Mapping[str, Requirement]

    def property(self, wanted: str) -> Property:
        """Find a property by `P08`, `p8` or `8`; raise the usage error `property-unknown` with the nearest ones."""
        digits = wanted.strip().lower().removeprefix("p")
        named = f"P{int(digits):02d}" if digits.isascii() and digits.isdigit() and len(digits) < len("P00") else wanted
        if named in self.properties:
            return self.properties[named]
        raise usage("property-unknown", f"there is no property {wanted!r:.40}", hint=self._near(named))

    def _near(self, wanted: str) -> str:
        titles = {p.title.lower(): p.id for p in self.properties.values()}
        names = {**titles, **{i.lower(): i for i in self.properties}}
        near = get_close_matches(wanted.strip().lower(), names, n=NEAR_MATCHES_MAX, cutoff=0.5)
        found = [self.properties[i] for i in dict.fromkeys(names[n] for n in near)]
        if not found:
            return "`gatespec list` shows them all"
        return f"did you mean {' or '.join(f'{p.id} ({p.title})' for p in found)}? `gatespec list` shows them all"

    def defaults(self) -> dict[str, str]:
        """Return the contract's default of each setting that has one, as environment text."""
        return {s.name: s.default for s in self.settings.values() if s.default is not None}


@cache
def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Read `folder`, or the specification that came with this package; raise `unable` naming file, row and field."""
    spec = folder or spec_dir()
    return Catalogue(
        _read(spec / "properties.toml", "property", Property, "id"),
        _read(spec / "settings.toml", "setting", Setting, "name"),
        _read(spec / "errors.toml", "error", ProblemCode, "code"),
        _read(spec / "requirements.toml", "requirement", Requirement, "id"),
    )


def _read(path: Path, table: str, model: type[Row], key: str) -> Mapping[str, Row]:
    rows: dict[str, Row] = {}
    for number, written in enumerate(_rows(path, table), 1):
        row = _row(path, model, number, written, key)
        name = str(getattr(row, key))
        if name in rows:
            raise _malformed(path, f"row {number} ({name}): {key}: stands there twice")
        rows[name] = row
    return MappingProxyType(rows)


def _rows(path: Path, table: str) -> list[Any]:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _malformed(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _malformed(path, f"is not TOML: {error}") from error
    rows = written.get(table)
    if set(written) != {table} or not isinstance(rows, list):
        raise _malformed(path, f"holds {', '.join(written) or 'nothing'} where only [[{table}]] may stand")
    return rows


def _row(path: Path, model: type[Row], number: int, written: Any, key: str) -> Row:  # noqa: ANN401 - not checked yet
    try:
        return model.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = written.get(key, "no " + key) if isinstance(written, dict) else "not a table"
        where = ".".join(str(part) for part in first["loc"]) or "the row"
        raise _malformed(path, f"row {number} ({name}): {where}: {first['msg']}") from error


def _malformed(path: Path, what: str) -> GatespecError:
    hint = "the specification came with this package: install it again, or undo the change to this file"
    return unable("spec-malformed", f"{path} {what}", hint=hint)
