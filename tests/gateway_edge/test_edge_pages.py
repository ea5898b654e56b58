"""Pages over the wire: every offer of one snapshot once, from any instance; cursors as hostile clients send them."""

from __future__ import annotations

import re
import string
import threading
from typing import TYPE_CHECKING, Any

import pytest

from gatespec.clock import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatespec.stack.redis import RedisServer
    from tests.gateway_edge.edge_wire import Instance, Reply, Upstream

LIST = "/api/v2/providers"
SOON_MS = 10_000
SHARED_DATABASE = 6
"""Of instances that are meant to share one; all others have their own."""
MANY = 45
"""Offers of each provider."""
ALPHABET = string.ascii_letters + string.digits + "-_"
SNAPSHOT_PAGE = re.compile(r"l1; hit; ttl=\d+; detail=snapshot, l2; fwd=miss; stored|l2; hit; ttl=\d+; detail=snapshot")

pytestmark = pytest.mark.usefixtures("many")


@pytest.fixture(scope="module")
def pair(start: Callable[..., Instance], redis_server: RedisServer) -> tuple[Instance, Instance]:
    """Two instances on one Redis: a client that asks both in turn stands for their balancer."""
    redis_server.empty(SHARED_DATABASE)
    url = redis_server.url(SHARED_DATABASE)
    one, other = (start(GATEWAY_REDIS_URL=url, GATEWAY_RATE_FREE="100000", GATEWAY_TTL_PRICING_S="1") for _ in range(2))
    return one, other


@pytest.fixture
def many(upstream: Upstream) -> Upstream:
    upstream.says(count=MANY)
    return upstream


def until_many(*instances: Instance) -> None:
    """Wait until what other tests' lists said is forgotten."""
    assert until(lambda: all(shows(instance, 2 * MANY) for instance in instances), at_most_ms=SOON_MS)


def shows(instance: Instance, total: int) -> bool:
    return bool(instance.offers("?limit=1").json["total"] == total)


def follow(instances: tuple[Instance, ...], query: str, first: Reply) -> list[Reply]:
    """Ask for page after page, each of the next instance."""
    replies = [first]
    while (cursor := replies[-1].json["next_cursor"]) is not None:
        replies.append(instances[len(replies) % len(instances)].offers(f"?{query}&cursor={cursor}"))
        assert replies[-1].status == 200, replies[-1].body
    return replies


def items(replies: list[Reply]) -> list[dict[str, Any]]:
    return [item for reply in replies for item in reply.json["items"]]


@pytest.mark.parametrize(
    "query", ["limit=7", "per_page=20&sort=-price", "limit=100&gpu=A10&region=us-west", "sort=score"]
)
def test_pages_from_two_instances_show_one_snapshot_whatever_changes(
    pair: tuple[Instance, Instance], many: Upstream, query: str
) -> None:
    until_many(*pair)
    first = pair[0].offers(f"?{query}")
    many.says(cents=500, count=3)
    assert until(lambda: pair[0].offers("?limit=1").json["total"] == 6, at_most_ms=SOON_MS)
    assert until(lambda: pair[1].offers("?limit=1").json["total"] == 6, at_most_ms=SOON_MS)
    replies = follow(pair, query, first)
    shown = items(replies)
    assert len({item["id"] for item in shown}) == len(shown) == 2 * MANY
    assert {(r.json["snapshot_id"], r.json["as_of"], r.json["total"]) for r in replies} == {
        (first.json["snapshot_id"], first.json["as_of"], 2 * MANY)
    }
    assert max(item["price_per_hour"] for item in shown) == 0.75 + (MANY - 1) / 100
    assert all(SNAPSHOT_PAGE.fullmatch(reply.headers["cache-status"]) for reply in replies[1:])


def test_a_page_has_a_tag_and_a_head(pair: tuple[Instance, Instance]) -> None:
    until_many(*pair)
    cursor = pair[0].offers("?limit=5").json["next_cursor"]
    pages = [instance.offers(f"?limit=5&cursor={cursor}") for instance in pair]
    assert pages[0].body == pages[1].body
    assert pages[0].headers["etag"] == pages[1].headers["etag"]
    again = pair[1].offers(f"?limit=5&cursor={cursor}", {"If-None-Match": pages[0].headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    head = pair[1].offers(f"?limit=5&cursor={cursor}", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(pages[0].body)))


def test_instances_that_know_the_same_lists_hand_out_the_same_page(pair: tuple[Instance, Instance]) -> None:
    def same() -> bool:
        first, second = (instance.offers("?limit=5&sort=-price") for instance in pair)
        return (first.headers["etag"], first.body) == (second.headers["etag"], second.body)

    assert until(same, at_most_ms=SOON_MS)


def test_the_default_is_20(pair: tuple[Instance, Instance]) -> None:
    until_many(*pair)
    reply = pair[0].offers()
    assert (len(reply.json["items"]), reply.json["total"]) == (20, 2 * MANY)


@pytest.fixture
def cursor(pair: tuple[Instance, Instance]) -> str:
    until_many(*pair)
    return str(pair[0].offers("?limit=5").json["next_cursor"])


def refused(instance: Instance, query: str) -> tuple[int, str, str]:
    reply = instance.offers(query)
    assert reply.headers["content-type"] == "application/problem+json"
    assert "ratelimit" in reply.headers
    return reply.status, reply.json["code"], reply.json["field"]


def test_a_damaged_cursor_is_invalid(pair: tuple[Instance, Instance], cursor: str) -> None:
    for place in range(len(cursor)):
        for letter in (ALPHABET[(ALPHABET.index(cursor[place]) + step) % 64] for step in (1, 32)):
            damaged = cursor[:place] + letter + cursor[place + 1 :]
            assert refused(pair[place % 2], f"?limit=5&cursor={damaged}") == (422, "cursor-invalid", "cursor")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[:-1],
        lambda c: c[:30],
        lambda c: c[1:],
        lambda c: c[::-1],
        lambda c: c + "AAAA",
        lambda c: "A" * len(c),
        lambda c: c[:1],
    ],
)
def test_half_a_cursor_is_invalid(pair: tuple[Instance, Instance], cursor: str, change: Callable[[str], str]) -> None:
    assert refused(pair[0], f"?limit=5&cursor={change(cursor)}") == (422, "cursor-invalid", "cursor")


@pytest.mark.parametrize("text", ["", "%00", "a%20b", "../../etc", "%FF", "x" * 5000, "%F0%9F%98%80", "'--", "a=b"])
def test_what_is_no_cursor_at_all_is_refused(pair: tuple[Instance, Instance], text: str) -> None:
    assert refused(pair[0], f"?cursor={text}") == (422, "parameter-invalid", "cursor")


@pytest.mark.parametrize(
    "query", ["", "sort=-price&", "gpu=A10&", "max_price=0.5&", "provider=lambda&", "region=us-east&"]
)
def test_a_cursor_of_other_filters_is_refused(pair: tuple[Instance, Instance], query: str) -> None:
    until_many(*pair)
    cursor = pair[0].offers("?limit=5&gpu_type=A10&min_gpu_count=1").json["next_cursor"]
    assert refused(pair[1], f"?{query}cursor={cursor}") == (422, "cursor-mismatch", "cursor")


def test_another_spelling_and_another_limit_are_the_same_question(pair: tuple[Instance, Instance]) -> None:
    until_many(*pair)
    cursor = pair[0].offers("?limit=5&gpu_type=A10&min_price=0.50").json["next_cursor"]
    reply = pair[1].offers(f"?cursor={cursor}&min_price=0.5&per_page=100&gpu=a10&gpu=A10")
    assert (reply.status, len(reply.json["items"]), reply.json["next_cursor"]) == (200, 85, None)


def test_a_cursor_of_another_gateway_is_invalid(start: Callable[..., Instance], cursor: str) -> None:
    stranger = start(GATEWAY_RATE_FREE="100000")
    assert stranger.offers("?limit=5").json["next_cursor"] != cursor
    assert refused(stranger, f"?limit=5&cursor={cursor}") == (422, "cursor-invalid", "cursor")


def test_a_cursor_expires_with_its_snapshot(start: Callable[..., Instance]) -> None:
    brief = start(GATEWAY_SNAPSHOT_S="1", GATEWAY_RATE_FREE="100000")
    first = brief.offers("?limit=5")
    query = f"?limit=5&cursor={first.json['next_cursor']}"
    assert until(lambda: brief.offers(query).status != 200, at_most_ms=SOON_MS)
    assert refused(brief, query) == (410, "snapshot-expired", "cursor")
    assert brief.offers(f"{query}&sort=-price").json["code"] == "cursor-mismatch"
    again = brief.offers("?limit=5")
    assert again.json["snapshot_id"] == first.json["snapshot_id"]
    assert brief.offers(f"?limit=5&cursor={again.json['next_cursor']}").status == 200


def test_ready_bytes_never_hold_a_cursor_that_is_about_to_end(start: Callable[..., Instance]) -> None:
    """The list is good for a minute, its cursor for a second: whoever reads the ready bytes can follow it."""
    brief = start(GATEWAY_SNAPSHOT_S="1", GATEWAY_RATE_FREE="100000")
    seen = set()

    def followed() -> bool:
        first = brief.offers("?limit=5")
        seen.add(first.json["next_cursor"])
        return brief.offers(f"?limit=5&cursor={first.json['next_cursor']}").status == 200

    assert not until(lambda: not followed() or len(seen) > 4, at_most_ms=SOON_MS) or len(seen) > 4
    assert followed()


def test_without_redis_an_instance_follows_its_own_cursors(start: Callable[..., Instance]) -> None:
    alone, other = (start(GATEWAY_REDIS_URL="redis://127.0.0.1:1/0", GATEWAY_RATE_FREE="100000") for _ in range(2))
    replies = follow((alone,), "limit=40", alone.offers("?limit=40"))
    assert len({item["id"] for item in items(replies)}) == 2 * MANY
    cursor = replies[0].json["next_cursor"]
    assert refused(other, f"?limit=40&cursor={cursor}") == (410, "snapshot-expired", "cursor")


def test_ten_thousand_parameters_are_refused_at_once(pair: tuple[Instance, Instance]) -> None:
    for query in ("&".join(["gpu=A10"] * 1000), "&".join(f"p{n}" for n in range(1000)), "&" * 8000):
        reply = pair[0].offers(f"?{query}")
        assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "parameter-invalid", "query")
    assert pair[0].offers("?" + "&".join(["gpu=A10"] * 10_000)).status == 414


def test_contradicting_filters_are_satisfied_by_nothing(pair: tuple[Instance, Instance]) -> None:
    reply = pair[0].offers("?min_price=2&max_price=1")
    assert (reply.status, reply.json["items"], reply.json["total"], reply.json["next_cursor"]) == (200, [], 0, None)


@pytest.mark.parametrize("query", ["gpu=Q900", "gpu_type=H100-SXN", "region=atlantis", "gpu=A10&region=us-west-1"])
def test_what_there_is_not_is_named(pair: tuple[Instance, Instance], query: str) -> None:
    field = query.rpartition("&")[2].partition("=")[0]
    assert refused(pair[0], f"?{query}") == (422, "parameter-invalid", field)


def test_noise_in_the_query_does_not_grow_the_gateway(start: Callable[..., Instance]) -> None:
    """Each of 1500 questions has an answer of its own, with a cursor; after the first 1000 nothing grows any more."""
    noisy = start(GATEWAY_RATE_FREE="100000")

    def asks(first: int, last: int) -> None:
        for number in range(first, last):
            assert noisy.offers(f"?limit=40&min_price=0.{number:09d}").status == 200

    asks(0, 1000)
    before = noisy.metric("process_resident_memory_bytes")
    asks(1000, 1500)
    assert noisy.metric("process_resident_memory_bytes") - before < 8 * 1024 * 1024


def test_one_offer_is_as_the_list_shows_it(pair: tuple[Instance, Instance]) -> None:
    until_many(*pair)
    for item in pair[0].offers("?limit=3&sort=-score").json["items"]:
        reply = pair[0].ask(f"{LIST}/{item['id']}")
        assert reply.status == 200
        assert {**reply.json, "last_updated": 0} == {**item, "last_updated": 0}
        again = pair[0].ask(f"{LIST}/{item['id']}")
        assert re.fullmatch(r"l2; (hit; ttl=[01]|fwd=miss; stored)", again.headers["cache-status"])


def test_readers_at_once_are_shown_one_snapshot_and_can_all_follow_it(start: Callable[..., Instance]) -> None:
    instance = start(GATEWAY_RATE_FREE="100000")
    replies: list[Reply] = []
    readers = [
        threading.Thread(target=lambda n=number: replies.append(instance.offers(f"?limit={n + 1}")))
        for number in range(16)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert {reply.json["snapshot_id"] for reply in replies} == {replies[0].json["snapshot_id"]}
    for reply in replies:
        query = f"?limit=100&cursor={reply.json['next_cursor']}"
        assert len(instance.offers(query).json["items"]) == 2 * MANY - len(reply.json["items"])
