"""No ordinary way of writing a value down shows a secret."""

from __future__ import annotations

import copy
import gc
import inspect
import json
import logging
import marshal
import pickle
import reprlib
import traceback
from dataclasses import asdict, dataclass
from types import ModuleType

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

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


def test_no_look_at_its_attributes_shows_it() -> None:
    secret = Secret(TEXT)
    seen = [repr(getattr(secret, name)) for name in dir(secret)]
    seen += [repr(inspect.getmembers(secret)), reprlib.repr(secret), repr(secret.__getstate__())]
    assert [text for text in seen if TEXT in text] == []


def test_nothing_that_it_refers_to_at_any_depth_holds_it() -> None:
    """As a memory profiler walks, or a debugger that opens whatever can be opened: closures and their cells, too."""
    canary = "canary-of-references"
    met, ahead = set[int](), gc.get_referents(Secret(canary))
    while ahead:
        thing = ahead.pop()
        if id(thing) in met or isinstance(thing, type | ModuleType):
            continue
        met.add(id(thing))
        assert thing != canary
        assert not (isinstance(thing, bytes) and canary.encode() in thing)
        ahead += [] if isinstance(thing, dict) and "__builtins__" in thing else gc.get_referents(thing)
    assert met, "nothing was looked at"


def test_no_serialiser_writes_it() -> None:
    class Model(BaseModel, arbitrary_types_allowed=True):
        key: Secret

    model = Model(key=Secret(TEXT))
    written = [repr(model), str(model.model_dump()), str(asdict(Holder({"k": Secret(TEXT)})))]
    assert [text for text in written if TEXT in text] == []
    for refuse in (
        lambda: json.dumps(Secret(TEXT)),
        lambda: orjson.dumps(Secret(TEXT)),
        lambda: bytes(Secret(TEXT)),  # type: ignore[call-overload] # which is the point
        lambda: marshal.dumps(Secret(TEXT)),  # type: ignore[arg-type] # as above
        lambda: vars(Secret(TEXT)),
    ):
        with pytest.raises((TypeError, ValueError)) as refused:
            refuse()
        assert TEXT not in f"{refused.value!r}"
    with pytest.raises(PydanticSerializationError) as unwritten:
        model.model_dump_json()
    assert TEXT not in f"{unwritten.value!r}"


@given(st.text())
def test_what_is_hidden_comes_back_whole(text: str) -> None:
    assert Secret(text).reveal() == text
    assert Secret(text) == Secret(text)
    assert hash(Secret(text)) == hash(Secret(text))


def test_no_traceback_with_its_locals_shows_it() -> None:
    def fail(secret: Secret) -> None:
        raise ValueError(f"bad {secret!r} for {secret}")

    with pytest.raises(ValueError, match="bad") as failed:
        fail(Secret(TEXT))
    told = traceback.TracebackException.from_exception(failed.value, capture_locals=True)
    assert "Secret(***)" in "".join(told.format())
    fail_locals = [str(frame.locals) for frame in told.stack if frame.name == "fail"]
    assert TEXT not in "".join(fail_locals)
    assert TEXT not in str(failed.value)


def test_no_structured_log_shows_it() -> None:
    written = orjson.dumps({"credential": {"api_key": Secret(TEXT)}}, default=str)
    rendered = structlog.dev.ConsoleRenderer(colors=False)(None, "", {"event": "read", "credential": Secret(TEXT)})
    assert TEXT not in written.decode() + str(rendered)


def test_half_a_character_is_a_secret_too() -> None:
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("\ud801")


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
