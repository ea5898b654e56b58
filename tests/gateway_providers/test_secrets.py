"""No ordinary way of writing a value down shows a secret."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.adapters.credentials import DEVELOPMENT_KEY, DevelopmentCredentials
from reference_gateway.adapters.providers import ADAPTERS
from reference_gateway.core.credentials.secret import Secret
from reference_gateway.core.filters import NAME_LENGTH_MAX, ParameterError, ParameterUnknown, parse_query

TEXT = "s3cret-text"


@dataclass
class Holder:
    credential: dict[str, Secret]


def test_no_text_shows_it() -> None:
    secret = Secret(TEXT)
    holder = Holder({"api_key": secret})
    written = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", "%s" % secret, repr(holder)]  # noqa: UP031 - a log's way
    written += [str(asdict(holder)), json.dumps({"key": secret}, default=str), str(copy.deepcopy(holder))]
    assert [text for text in written if TEXT in text] == []
    assert "***" in repr(secret)


def test_no_log_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("read %s and %r", Secret(TEXT), {"api_key": Secret(TEXT)})
    assert TEXT not in caplog.text
    assert "***" in caplog.text


def test_it_is_not_pickled() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled") as refused:
            pickle.dumps(Secret(TEXT), protocol)
        assert TEXT not in str(refused.value)


def test_it_has_no_attributes_to_list() -> None:
    assert not hasattr(Secret(TEXT), "__dict__")


def test_equal_texts_are_equal_secrets() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT
    assert len({Secret(TEXT), Secret(TEXT)}) == 1


def test_it_is_given_to_whoever_asks_by_name() -> None:
    assert Secret(TEXT).reveal() == TEXT


async def test_every_provider_has_the_development_credential() -> None:
    for provider in ("lambda", "verda-07"):
        credential = await DevelopmentCredentials().credential_of(provider)
        assert credential["api_key"] == Secret(DEVELOPMENT_KEY)
        assert {field for adapter in ADAPTERS.values() for field in adapter.credential_fields} <= credential.keys()


@given(st.text().map("?{}".format), st.text())
def test_an_error_of_a_parameter_is_safe_to_echo(name: str, text: str) -> None:
    with pytest.raises(ParameterUnknown) as refused:
        parse_query([(name, text)])
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert len(refused.value.field) <= NAME_LENGTH_MAX


def test_the_value_of_an_unknown_parameter_is_not_repeated() -> None:
    with pytest.raises(ParameterError) as refused:
        parse_query([("token", "swordfish")])
    assert "swordfish" not in str(refused.value)
    with pytest.raises(ParameterError) as refused:
        parse_query([("sort", "swordfish")])
    assert "swordfish" in str(refused.value)
