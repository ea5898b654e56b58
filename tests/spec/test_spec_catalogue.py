"""The loader finds what is asked for, and names file, row and field of what is wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from gatespec.catalogue import load_catalogue
from gatespec.errors import Exit, GatespecError

if TYPE_CHECKING:
    from pathlib import Path

    from gatespec.catalogue import Catalogue


@pytest.fixture
def spec(root: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    for path in (root / "spec").glob("*.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def error_of(spec: Path) -> str:
    with pytest.raises(GatespecError) as raised:
        load_catalogue(spec)
    assert raised.value.code == "spec-malformed"
    assert raised.value.exit_code is Exit.COULD_NOT_JUDGE
    return raised.value.message


def spoil(spec: Path, file: str, old: str, new: str) -> None:
    text = (spec / file).read_text(encoding="utf-8")
    assert old in text
    (spec / file).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("wanted", ["P08", "p08", "p8", "P8", "8", "08", " 8 "])
def test_a_property_is_found_by_any_spelling_of_its_number(wanted: str, catalogue: Catalogue) -> None:
    assert catalogue.property(wanted).title == "Sliding window"


@pytest.mark.parametrize(
    ("wanted", "near"),
    [("slidng windw", "P08 (Sliding window)"), ("plan limit", "P03 (Plan limits)"), ("prakish", "list")],
)
def test_an_unknown_property_is_a_usage_error_that_names_the_nearest(
    wanted: str, near: str, catalogue: Catalogue
) -> None:
    with pytest.raises(GatespecError) as raised:
        catalogue.property(wanted)
    assert (raised.value.code, raised.value.exit_code) == ("property-unknown", Exit.USAGE)
    assert near in raised.value.hint


@pytest.mark.parametrize("wanted", ["", "0", "31", "P", "999999999999", "²", "x" * 100_000])
def test_hostile_names_are_only_unknown(wanted: str, catalogue: Catalogue) -> None:
    with pytest.raises(GatespecError) as raised:
        catalogue.property(wanted)
    assert raised.value.code == "property-unknown"
    assert len(str(raised.value)) < 300


def test_defaults_are_environment_text(catalogue: Catalogue) -> None:
    defaults = catalogue.defaults()
    assert defaults["GATEWAY_RATE_WINDOW_S"] == "1"
    assert defaults["GATEWAY_KAFKA_BOOTSTRAP"] == ""
    assert "GATEWAY_REDIS_URL" not in defaults
    defaults.clear()
    assert catalogue.defaults()


def test_marks_are_those_that_the_tier_can_show(catalogue: Catalogue) -> None:
    row = catalogue.properties["P08"]
    assert "clocks-apart" in row.marks("component")
    assert "clocks-apart" not in row.marks("wire")


def test_it_is_read_once_and_cannot_be_changed(catalogue: Catalogue) -> None:
    assert load_catalogue() is catalogue
    with pytest.raises(ValidationError):
        catalogue.properties["P08"].title = "Another"
    with pytest.raises(TypeError):
        catalogue.settings["X"] = catalogue.settings["GATEWAY_LISTEN"]  # type: ignore[index]  # that is the point


def test_a_wrong_value_is_named_by_file_row_and_field(spec: Path) -> None:
    spoil(spec, "properties.toml", 'tiers = ["component"', 'tiers = ["componment"')
    assert "properties.toml row 1 (P01): tiers.0: " in error_of(spec)


def test_a_misspelt_field_is_named(spec: Path) -> None:
    spoil(spec, "settings.toml", "required = true", "required = true\nrequred = true")
    assert "(GATEWAY_DATABASE_URL): requred: Extra inputs are not permitted" in error_of(spec)


def test_a_missing_field_is_named(spec: Path) -> None:
    spoil(spec, "settings.toml", "meaning =", "#")
    assert "settings.toml row 1 (GATEWAY_LISTEN): meaning: Field required" in error_of(spec)


def test_a_repeated_row_is_named(spec: Path) -> None:
    spoil(spec, "errors.toml", '"header-invalid"', '"request-malformed"')
    assert "errors.toml row 2 (request-malformed): code: stands there twice" in error_of(spec)


def test_a_demand_that_nothing_answers_is_named(spec: Path) -> None:
    spoil(spec, "requirements.toml", 'covered_by = ["P01", "P02", "P06"]\n', "")
    assert "requirements.toml row 1 (T1.1): the row: " in error_of(spec)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds nothing where only [[error]] may stand"),
        ("[[problem]]\n", "holds problem where only [[error]] may stand"),
        ("error = 3\n", "holds error where only [[error]] may stand"),
        ("error = [3]\n", "row 1 (not a table): the row: "),
        ("[[error\n", "is not TOML"),
    ],
)
def test_a_file_of_another_kind_is_told_so(text: str, said: str, spec: Path) -> None:
    (spec / "errors.toml").write_text(text, encoding="utf-8")
    assert said in error_of(spec)


def test_a_misspelt_table_is_not_lost(spec: Path) -> None:
    spoil(spec, "errors.toml", '[[error]]\ncode = "overloaded"', '[[eror]]\ncode = "overloaded"')
    assert "holds error, eror where only [[error]] may stand" in error_of(spec)


def test_bytes_that_are_no_text_are_told_so(spec: Path) -> None:
    (spec / "errors.toml").write_bytes(b"\xff\xfe")
    assert "is not TOML" in error_of(spec)


def test_a_missing_file_is_told_so(spec: Path) -> None:
    (spec / "errors.toml").unlink()
    assert "cannot be read: No such file" in error_of(spec)
