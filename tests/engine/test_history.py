"""What is written is what is read, however much of it was said before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatespec.errors import GatespecError
from gatespec.history import BODY_JUDGED_MAX, Context, Example, HistoryWriter, read_history
from gatespec.ports import Exchange, Identity, Request, Span
from gatespec.read_ports import Disturbance, UpstreamCall

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = Context("P08", "wire", "http", 2, {"GATEWAY_RATE_FREE": "3"})
READS = Context("P01", "wire", "http", 2, {}, bodies=True)
names = st.sampled_from(("etag", "ratelimit", "retry-after", "x-trace-id"))
headers = st.dictionaries(names, st.text(max_size=3), max_size=4)
people = st.builds(Identity, st.sampled_from(("user", "ip")), st.sampled_from(("a", "b")), st.just("free"))
requests = st.builds(
    Request,
    people,
    st.integers(0, 1),
    path=st.sampled_from(("/api/v2/providers", "/api/v2/providers?x=1")),
    headers=st.sampled_from(((), (("X-Plan", "pro"),))),
)
exchanges = st.builds(
    Exchange,
    requests,
    st.integers(0, 9).map(lambda at: Span(at, at + 2)),
    st.sampled_from((None, 404, 429)),
    headers,
    st.text(max_size=5).map(str.encode),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history")


def written(path: Path, *stories: list[Exchange]) -> list[Example]:
    with path.open("w", encoding="utf-8") as out:
        writer = HistoryWriter(out, target="a gateway")
        writer.chapter(CONTEXT)
        for number, story in enumerate(stories):
            writer.example(Example(CONTEXT, number, story, [("asks", {"who": number})]))
    return list(read_history(path))


@given(story=st.lists(exchanges, max_size=5), other=st.lists(exchanges, max_size=3))
def test_a_history_is_read_as_it_was_written(folder: Path, story: list[Exchange], other: list[Exchange]) -> None:
    first, second = written(folder / "history.jsonl", story, other)
    kept = [[e if e.status else Exchange(e.request, e.span, None, e.headers) for e in told] for told in (story, other)]
    assert [first.exchanges, second.exchanges] == kept
    assert (first.context, second.story) == (CONTEXT, [("asks", {"who": 1})])


def test_a_burst_is_short(tmp_path: Path) -> None:
    asked = Request(Identity("user", "somebody-with-a-long-name", "free"))
    burst = [
        Exchange(asked, Span(at, at), 200, {"etag": "x" * 40, "ratelimit": f"r={at}"}, b"y" * 999) for at in range(9)
    ]
    read = written(tmp_path / "history.jsonl", burst)
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert len(lines[-1]) < 100
    assert json.loads(lines[-1])["answer_headers"] == {"ratelimit": "r=8"}
    assert [e.headers for e in read[0].exchanges] == [e.headers for e in burst]
    assert {e.body for e in read[0].exchanges} == {b""}


calls = st.lists(
    st.builds(
        UpstreamCall,
        st.sampled_from(("pool-1-000", "pool-1-001")),
        st.integers(1, 9),
        st.integers(0, 9),
        st.none() | st.integers(9, 19),
        st.sampled_from(("ok", "status", "in-flight")),
    ),
    max_size=3,
)
disturbances = st.lists(
    st.builds(
        Disturbance,
        st.sampled_from(("store", "life", "provider", "invalidate")),
        st.sampled_from(("", "0", "pool-1-000")),
        st.sampled_from(("well", "hanging", "paused")),
        st.integers(0, 9),
        st.integers(9, 19),
        st.none() | st.integers(0, 9),
    ),
    max_size=3,
)
examples = st.builds(
    Example,
    st.just(READS),
    st.integers(0, 99),
    st.lists(exchanges, max_size=3),
    calls=calls,
    disturbances=disturbances,
    lag_ms=st.integers(0, 9),
)


@given(stories=st.lists(examples, max_size=3))
def test_what_was_done_and_seen_beside_the_requests_is_read_as_it_was_written(
    folder: Path, stories: list[Example]
) -> None:
    path = folder / "reads.jsonl"
    with path.open("w", encoding="utf-8") as out:
        writer = HistoryWriter(out, target="a gateway")
        writer.chapter(READS)
        for story in stories:
            writer.example(story)
    assert list(read_history(path)) == stories


@pytest.mark.parametrize("status", [200, 503])
def test_bodies_are_kept_where_they_are_judged_and_up_to_a_bound(tmp_path: Path, status: int) -> None:
    asked = Request(Identity("user", "a", "free"), method="POST", body='{"provider": "pool-1-000"}')
    kept = BODY_JUDGED_MAX
    answers = [Exchange(asked, Span(0, 1), status, {}, b"x" * size) for size in (kept, kept + 1)]
    with (tmp_path / "history.jsonl").open("w", encoding="utf-8") as out:
        writer = HistoryWriter(out, target="a gateway")
        writer.chapter(READS)
        writer.example(Example(READS, 0, answers))
    (read,) = read_history(tmp_path / "history.jsonl")
    assert [len(exchange.body) for exchange in read.exchanges] == [kept, kept]
    assert [exchange.request for exchange in read.exchanges] == [asked, asked]


@pytest.mark.parametrize(
    "line",
    [
        '{"record":"call","provider":"a","serial":1,"began_ms":1,"ended_ms":2}',
        '{"record":"disturbance","what":"store","whom":"","how":"well","began_ms":1,"done_ms":2,"more":3}',
        '{"record":"dance"}',
    ],
)
def test_a_record_that_is_none_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "history.jsonl"
    written(path, [])
    with path.open("a") as out:
        out.write(line + "\n")
    with pytest.raises(GatespecError, match="line 4 is not part of a history"):
        list(read_history(path))
