"""A cursor is read back as it was written, or not at all."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_gateway.core.cursor import (
    CURSOR_CHARS,
    KEY_BYTES,
    LOCAL,
    OFFSET_MAX,
    QUESTION_BYTES,
    SHARED,
    Cursor,
    CursorForged,
    CursorUnproven,
    Keys,
    digest_of,
    seal,
    unseal,
)

ALPHABET = string.ascii_letters + string.digits + "-_"
OURS, OTHERS = (Keys((letter * KEY_BYTES,), letter.lower() * KEY_BYTES) for letter in (b"A", b"B"))
ALONE, STRANGER = (Keys((), letter * KEY_BYTES) for letter in (b"c", b"d"))
CURSOR = Cursor("0f1e2d3c4b5a6978", digest_of("question"), 20, 1_764_000_000_000)

cursors = st.builds(
    Cursor,
    snapshot_id=st.binary(min_size=8, max_size=8).map(bytes.hex),
    question=st.binary(min_size=QUESTION_BYTES, max_size=QUESTION_BYTES),
    offset=st.integers(0, OFFSET_MAX),
    expires_ms=st.integers(0, 2**63),
)


@pytest.mark.parametrize("keys", [OURS, ALONE])
@given(cursor=cursors)
def test_a_cursor_is_read_as_it_was_written(keys: Keys, cursor: Cursor) -> None:
    text = seal(cursor, keys)
    assert unseal(text, keys) == cursor
    assert len(text) == CURSOR_CHARS
    assert set(text) <= set(ALPHABET)


@pytest.mark.parametrize("place", range(CURSOR_CHARS))
def test_no_character_can_be_another(place: int) -> None:
    text = seal(CURSOR, OURS)
    for letter in ALPHABET.replace(text[place], ""):
        damaged = text[:place] + letter + text[place + 1 :]
        if base64.urlsafe_b64decode(damaged)[0] != LOCAL:
            with pytest.raises(CursorForged):
                unseal(damaged, OURS)


def test_no_small_damage_makes_a_cursor_anothers_own() -> None:
    assert (SHARED ^ LOCAL).bit_count() == 8


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:0],
        lambda text: text[:-1],
        lambda text: text[:-4],
        lambda text: text[4:],
        lambda text: text + "A",
        lambda text: text + "====",
        lambda text: text.swapcase(),
        lambda text: text[::-1],
        lambda text: "A" * len(text),
        lambda text: " " + text[1:],
        lambda text: text[:-1] + "\n",
        lambda text: text[:-1] + "+",
        lambda text: text[:-1] + "=",
        lambda text: text[:-1] + "\N{FULLWIDTH DIGIT ONE}",
        lambda text: text[:-1] + "\x00",
        lambda text: text * 1000,
    ],
)
def test_what_is_not_a_cursor_is_forged(change: object) -> None:
    assert callable(change)
    with pytest.raises(CursorForged):
        unseal(change(seal(CURSOR, OURS)), OURS)


@given(st.text(max_size=80))
def test_no_text_is_read_by_chance(text: str) -> None:
    with pytest.raises(CursorForged):
        unseal(text, OURS)


def test_the_other_alphabet_is_no_second_spelling() -> None:
    """Half of all cursors have a `-` or `_` in them; read as `+` or `/` they would be the same bytes."""
    for offset in range(100):
        text = seal(Cursor(CURSOR.snapshot_id, CURSOR.question, offset, CURSOR.expires_ms), OURS)
        other = text.replace("-", "+").replace("_", "/")
        if other != text:
            with pytest.raises(CursorForged):
                unseal(other, OURS)
            return
    raise AssertionError("none of 100 cursors has a `-` or `_`")


def test_only_who_shares_the_key_reads_a_cursor() -> None:
    text = seal(CURSOR, OURS)
    with pytest.raises(CursorForged):
        unseal(text, OTHERS)
    assert unseal(text, Keys((*OTHERS.shared, *OURS.shared), OTHERS.own)) == CURSOR
    assert unseal(text, Keys(OURS.shared, OTHERS.own)) == CURSOR


def test_who_never_learnt_a_key_cannot_say_that_a_cursor_is_forged() -> None:
    with pytest.raises(CursorUnproven):
        unseal(seal(CURSOR, OURS), ALONE)


@pytest.mark.parametrize("reader", [STRANGER, OURS])
def test_a_cursor_of_a_lone_instance_is_its_own(reader: Keys) -> None:
    with pytest.raises(CursorUnproven):
        unseal(seal(CURSOR, ALONE), reader)


def test_the_shared_key_seals_once_it_is_known() -> None:
    met = Keys(OURS.shared, ALONE.own)
    assert unseal(seal(CURSOR, met), Keys(OURS.shared, STRANGER.own)) == CURSOR
    assert unseal(seal(CURSOR, ALONE), met) == CURSOR
