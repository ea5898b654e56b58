"""Lines reach whoever reads them, in order; whoever does not read stalls nobody."""

from __future__ import annotations

import io
import os
import threading
from typing import IO, TYPE_CHECKING

import pytest

from reference_gateway.edge.line_writer import LineWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

STALLED_S = 0.05
SOON_S = 10.0
LINE = b"x" * 10_000
"""A pipe holds six of them."""


def lost(lines: int) -> bytes:
    return b"%d lost" % lines


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A reader that reads when the test does, and the end that is written to."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb") as out:
        yield reader, out


def test_lines_keep_their_order() -> None:
    out = io.BytesIO()
    writer = LineWriter(out, lost)
    for number in range(1000):
        writer.write(b"%d" % number)
    assert writer.flush(SOON_S)
    assert out.getvalue().splitlines() == [b"%d" % number for number in range(1000)]
    writer.close()


def test_many_threads_write_whole_lines() -> None:
    out = io.BytesIO()
    writer = LineWriter(out, lost)

    def write() -> None:
        for _ in range(500):
            writer.write(b"abc")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)
    assert writer.flush(SOON_S)
    assert out.getvalue() == b"abc\n" * 2000
    writer.close()


def test_a_reader_who_stalls_loses_what_is_too_much_and_is_told(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, out = pipe
    writer = LineWriter(out, lost, lines_max=100)
    for _ in range(1000):
        writer.write(LINE)
    assert not writer.flush(STALLED_S)
    dropped = writer.dropped
    assert dropped > 0
    read = [reader.readline() for _ in range(1000 - dropped)]
    assert set(read) == {LINE + b"\n"}
    assert writer.flush(SOON_S)
    writer.write(b"again")
    assert writer.flush(SOON_S)
    rest = [reader.readline(), reader.readline()]
    assert sorted(rest) == sorted([b"%d lost\n" % dropped, b"again\n"])
    writer.close()


def test_a_reader_who_left_costs_the_lines_alone() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "wb", buffering=0)
    writer = LineWriter(out, lost)
    writer.write(b"one")
    assert writer.flush(SOON_S)
    assert writer.dropped >= 1
    writer.write(b"two")
    assert writer.flush(SOON_S)
    writer.close()
    out.close()
