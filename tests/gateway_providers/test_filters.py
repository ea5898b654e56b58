"""Every text that a stranger may put into the query string."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.filters import (
    PARAMETERS_MAX,
    ParameterError,
    ParameterInvalid,
    ParameterRepeated,
    ParameterUnknown,
    no_parameters,
    parse_query,
)


def refused(*pairs: tuple[str, str]) -> ParameterError:
    with pytest.raises(ParameterError) as error:
        parse_query(pairs)
    return error.value


def test_nothing_asked_is_everything_by_price() -> None:
    query = parse_query([])
    assert (query.gpu_types, query.max_price, query.sort) == (frozenset(), None, "price")


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("H100-SXM", {"H100-SXM"}),
        ("h100_sxm", {"H100-SXM"}),
        ("NVIDIA H100 80GB HBM3", {"H100-SXM"}),
        ("H100", {"H100-SXM", "H100-PCIe", "H100-NVL", "H100-80GB"}),
        ("a100", {"A100-80GB", "A100-40GB"}),
        ("B200", {"B200-SXM"}),
    ],
)
def test_a_gpu_is_a_name_a_family_or_an_alias(word: str, names: set[str]) -> None:
    assert parse_query([("gpu_type", word)]).gpu_types == names
    assert parse_query([("gpu", word)]).gpu_types == names


@pytest.mark.parametrize(
    "word",
    [
        "H10",
        "H100-S",
        "RTX",
        "A100-80",
        "Q900",
        "",
        " ",
        "*",
        "RTX PRO 6000 W\N{KELVIN SIGN}",
        "\uff28100",
        "h100\x00",
        "'--",
        "../etc",
    ],
)
def test_a_gpu_is_never_guessed(word: str) -> None:
    error = refused(("gpu", word))
    assert isinstance(error, ParameterInvalid)
    assert error.field == "gpu"


def test_repeatable_parameters_join_under_both_names() -> None:
    query = parse_query(
        [("gpu", "H100-SXM"), ("gpu_type", "A10"), ("gpu", "A10"), ("region", "us-west"), ("region", "us-east")]
    )
    assert query.gpu_types == {"H100-SXM", "A10"}
    assert query.regions == {"us-west", "us-east"}


@pytest.mark.parametrize("name", ["min_price", "max_price", "min_memory_gb"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "inf",
        "Infinity",
        "1e999",
        "1e3",
        "-1",
        "-0",
        "+1",
        ".5",
        "5.",
        "1_000",
        "0x10",
        "1,5",
        "1.2.3",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "\N{FULLWIDTH DIGIT ONE}",
        "1\x00",
        "1\n",
        "9" * 10,
        "9" * 64,
        "9" * 100000,
        "None",
        "true",
        "[]",
        "1 ",
    ],
)
def test_a_number_is_plain_ascii_decimal(name: str, text: str) -> None:
    error = refused((name, text))
    assert isinstance(error, ParameterInvalid)
    assert error.field == name


@pytest.mark.parametrize(("text", "value"), [("0", "0"), ("2.50", "2.5"), ("007", "7"), ("0.000001", "0.000001")])
def test_a_number_is_read_exactly(text: str, value: str) -> None:
    assert parse_query([("max_price", text)]).max_price == Decimal(value)


@pytest.mark.parametrize("text", ["1.5", "-1", "", "1e3", "\u0668", "many", "9" * 10, "8\x00"])
def test_a_count_is_whole(text: str) -> None:
    assert refused(("min_gpu_count", text)).field == "min_gpu_count"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("region", "us-west-1"),
        ("region", "atlantis"),
        ("region", ""),
        ("availability", "maybe"),
        ("availability", "Available"),
        ("provider", ""),
        ("provider", "a b"),
        ("provider", "a\x00"),
        ("provider", "lambda\n"),
        ("provider", "x" * 65),
        ("compliance_tag", "<script>"),
        ("sort", "cheapest"),
        ("sort", "--price"),
        ("sort", "price,score"),
        ("sort", ""),
    ],
)
def test_an_invalid_value_names_its_field(name: str, text: str) -> None:
    error = refused((name, text))
    assert isinstance(error, ParameterInvalid)
    assert error.field == name
    assert error.expected


@pytest.mark.parametrize("name", ["min_price", "max_price", "min_memory_gb", "min_gpu_count", "sort", "cursor"])
def test_a_single_valued_parameter_stands_once(name: str) -> None:
    text = "price" if name == "sort" else "1"
    assert isinstance(refused((name, text), (name, text)), ParameterRepeated)


@pytest.mark.parametrize(
    "name", ["gpus", "GPU", "", "limit[]", "__proto__", "gpu_type ", "\x00", "gpu_types", "sort\n", "x" * 1000]
)
def test_an_unknown_parameter_is_refused(name: str) -> None:
    error = refused((name, "1"))
    assert isinstance(error, ParameterUnknown)
    assert "gpu_type" in error.expected
    assert error.field in {name, "query"}


@pytest.mark.parametrize("name", ["gpu_types", "providers", "regions"])
def test_our_own_fields_are_no_parameters(name: str) -> None:
    assert isinstance(refused(("gpu", "H100"), ("provider", "p"), ("region", "us-east"), (name, "1")), ParameterUnknown)


def test_page_points_to_cursor() -> None:
    error = refused(("page", "2"))
    assert isinstance(error, ParameterUnknown)
    assert error.field == "page"
    assert "cursor" in error.expected


@pytest.mark.parametrize("name", ["limit", "per_page"])
@pytest.mark.parametrize(("text", "offers"), [("1", 1), ("20", 20), ("100", 100), ("007", 7)])
def test_a_limit_has_two_names(name: str, text: str, offers: int) -> None:
    assert parse_query([(name, text)]).limit == offers
    assert parse_query([]).limit == 20


@pytest.mark.parametrize("name", ["limit", "per_page"])
@pytest.mark.parametrize("text", ["0", "101", "-1", "", "1.0", "all", "9" * 9, "\u0661"])
def test_a_limit_is_from_1_to_100(name: str, text: str) -> None:
    error = refused((name, text))
    assert isinstance(error, ParameterInvalid)
    assert error.field == name
    assert "from 1 to 100" in error.expected


@pytest.mark.parametrize("again", ["limit", "per_page"])
def test_a_limit_under_both_names_is_given_twice(again: str) -> None:
    error = refused(("limit", "5"), (again, "5"))
    assert isinstance(error, ParameterRepeated)
    assert (error.field, error.expected) == (again, "limit or per_page once")


def test_a_cursor_is_taken_as_it_is_and_no_part_of_the_question() -> None:
    first, next_ = parse_query([("gpu", "H100"), ("limit", "5")]), parse_query([("gpu", "H100"), ("cursor", "abc")])
    assert next_.cursor == "abc"
    assert first.question() == next_.question()
    assert first.question() != parse_query([("gpu", "H100"), ("sort", "-price")]).question()
    assert isinstance(refused(("cursor", "c" * 65)), ParameterInvalid)


def test_a_path_without_parameters_refuses_the_first() -> None:
    no_parameters([])
    with pytest.raises(ParameterUnknown) as error:
        no_parameters([("gpu", "H100"), ("x", "1")])
    assert error.value.field == "gpu"


def test_the_number_of_parameters_is_bounded() -> None:
    assert parse_query([("provider", "p")] * PARAMETERS_MAX).providers == {"p"}
    assert refused(*[("provider", "p")] * (PARAMETERS_MAX + 1)).field == "query"


def error_of(name: str, text: str) -> ParameterError | None:
    try:
        parse_query([(name, text)])
    except ParameterError as error:
        return error
    return None


@given(
    st.sampled_from(
        ["gpu", "provider", "region", "availability", "compliance_tag", "min_price", "min_gpu_count", "sort", "limit"]
    ),
    st.text() | st.from_regex(r"[-+]?[0-9]*[.]?[0-9]*(e[0-9]+)?"),
)
def test_every_text_is_a_query_or_a_named_error(name: str, text: str) -> None:
    error = error_of(name, text)
    assert error is None or (isinstance(error, ParameterInvalid) and error.field == name)


MANY = [
    ("gpu", "A10"),
    ("gpu_type", "h100"),
    ("provider", "lambda"),
    ("region", "us-east"),
    ("max_price", "2.50"),
    ("sort", "-score"),
]


@given(
    st.permutations(MANY), st.lists(st.sampled_from([("gpu", "a10"), ("provider", "lambda"), ("gpu_type", "H100-SXM")]))
)
def test_spellings_of_one_question_share_a_key(pairs: list[tuple[str, str]], repeats: list[tuple[str, str]]) -> None:
    said_otherwise = [(name, "2.5" if name == "max_price" else text) for name, text in pairs]
    assert parse_query([*said_otherwise, *repeats]).cache_key() == parse_query(MANY).cache_key()


def test_different_questions_never_share_a_key() -> None:
    questions = [
        [],
        [("provider", "a10")],
        [("gpu", "A10")],
        [("compliance_tag", "a10")],
        [("region", "us-east")],
        [("availability", "limited")],
        [("min_price", "1")],
        [("max_price", "1")],
        [("min_memory_gb", "1")],
        [("min_gpu_count", "1")],
        [("sort", "-price")],
        [("sort", "score")],
        [("limit", "21")],
        [("provider", "a"), ("provider", "b")],
        [("provider", "a.b")],
    ]
    assert len({parse_query(pairs).cache_key() for pairs in questions}) == len(questions)
