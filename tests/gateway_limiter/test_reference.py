"""The component driver: the same answers from memory and from Redis, and nothing left behind."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from reference_gateway.conformance import OFFERS, Reference
from reference_gateway.core.window import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reference_gateway.adapters.redis.stepped import Store
    from reference_gateway.core.answers import Answer
    from reference_gateway.core.limiter import Ask

SETTINGS = {"GATEWAY_RATE_WINDOW_S": "2.5", "GATEWAY_RATE_FREE": "3"}
ANN = {"kind": "user", "name": "ann", "plan": "free"}
LIST = "/api/v2/providers"
NO_HEADERS: Mapping[str, str] = {}
KNOWN = {"If-None-Match": OFFERS.etag}


class Stepped:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Stepped:
    return Stepped()


@pytest.fixture(params=["pure", "redis"])
def reference(request: pytest.FixtureRequest, clock: Stepped) -> Iterator[Reference]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    reference = Reference(clock=clock, instances=2, settings=SETTINGS, redis_url=url)
    yield reference
    reference.close()


def get(
    reference: Reference,
    who: Mapping[str, Any] = ANN,
    path: str = LIST,
    instance: int = 0,
    headers: Mapping[str, str] = NO_HEADERS,
) -> tuple[int, dict[str, str], bytes]:
    status, fields, body = reference.request(instance, "GET", path, headers, who)
    return status, dict(fields), body


def test_the_limit_is_shared_and_slides(reference: Reference, clock: Stepped) -> None:
    assert [get(reference, instance=n % 2)[0] for n in range(4)] == [200, 200, 200, 429]
    clock.ms += 2499
    assert get(reference)[0] == 429
    clock.ms += 1
    assert [get(reference, instance=n % 2)[0] for n in range(4)] == [200, 200, 200, 429]


def test_a_refusal_says_when_to_come_back(reference: Reference) -> None:
    for _ in range(3):
        get(reference)
    status, fields, body = get(reference)
    assert (status, fields["retry-after"], fields["ratelimit"]) == (429, "3", '"free";r=0;t=3')
    assert fields["content-type"] == "application/problem+json"
    assert json.loads(body)["code"] == "rate-limited"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (LIST, {}, 200),
        (LIST, KNOWN, 304),
        ("/api/v2/nothing", {}, 404),
        (f"{LIST}?limit=zero", {}, 422),
    ],
)
def test_every_answer_under_api_counts(reference: Reference, path: str, headers: dict[str, str], status: int) -> None:
    answers = [get(reference, path=path, headers=headers) for _ in range(4)]
    assert [answer[0] for answer in answers] == [status, status, status, 429]
    assert [fields["ratelimit"] for _, fields, _ in answers[:3]] == [f'"free";r={left};t=3' for left in (2, 1, 0)]


def test_what_is_not_under_api_does_not_count(reference: Reference) -> None:
    for _ in range(5):
        assert get(reference, path="/health/live")[0] != 429
    assert get(reference)[1]["ratelimit"] == '"free";r=2;t=3'


def test_a_clients_own_words_change_nothing(reference: Reference) -> None:
    answers = [get(reference, headers={"X-Plan": "enterprise"}) for _ in range(4)]
    assert [answer[0] for answer in answers] == [200, 200, 200, 429]


def test_an_instances_own_clock_changes_nothing(reference: Reference) -> None:
    reference.skew_ms = [-60_000, 60_000]
    assert [get(reference, instance=n % 2)[0] for n in range(4)] == [200, 200, 200, 429]


def test_addresses_of_one_network_are_one_identity(reference: Reference) -> None:
    people = [{"kind": "ip", "name": f"2001:db8::{n}", "plan": "free"} for n in range(1, 5)]
    assert [get(reference, who)[0] for who in people] == [200, 200, 200, 429]


@settings(deadline=None, max_examples=40)
@given(
    steps=st.lists(st.tuples(st.sampled_from([0, 1, 800, 1700, 2499, 2500]), st.integers(0, 1), st.sampled_from("ab")))
)
def test_memory_and_redis_answer_alike(redis_url: str, steps: list[tuple[int, int, str]]) -> None:
    clock = Stepped()
    pure, real = (Reference(clock=clock, instances=2, settings=SETTINGS, redis_url=url) for url in (None, redis_url))
    for wait_ms, instance, name in steps:
        clock.ms += wait_ms
        who = {**ANN, "name": name}
        assert get(pure, who, instance=instance) == get(real, who, instance=instance)
    real.close()


def test_nothing_is_left_in_redis(clean_redis_url: str) -> None:
    reference = Reference(clock=Stepped(), instances=1, settings=SETTINGS, redis_url=clean_redis_url)
    with Redis.from_url(clean_redis_url) as client:
        get(reference)
        assert client.dbsize() == 1
        reference.close()
        assert client.dbsize() == 0


class OwnWindows(Reference):
    """A mutant: a window per instance."""

    @cached_property
    def own(self) -> list[Store]:
        return [self.open_store() for _ in range(self.instances)]

    def store_for(self, instance: int) -> Store:
        return self.own[instance]


class FreeNotModified(Reference):
    """A mutant: 304s do not count."""

    def counts(self, status: int) -> bool:
        return status != 304 and super().counts(status)


class RefusalsCount(Reference):
    """A mutant: refusals count."""

    def counts(self, status: int) -> bool:
        return status > 0


class OwnClock(Reference):
    """A mutant: the instance's own clock."""

    def now_us(self, instance: int) -> int:
        return (self.clock.now_ms() + self.skew_ms[instance]) * 1000


class FixedBuckets(Reference):
    """A mutant: buckets."""

    @cached_property
    def seen(self) -> Counter[tuple[str, int]]:
        return Counter()

    def decide(self, instance: int, ask: Ask) -> Decision:
        bucket, into_us = divmod(self.now_us(instance), ask.window_us)
        self.seen[ask.key, bucket] += 1
        left = ask.limit - self.seen[ask.key, bucket]
        return Decision(left >= 0, max(0, left), ask.window_us - into_us)


class Html(Reference):
    """A mutant: HTML."""

    def render_refusal(self, *told: Any) -> Answer:  # noqa: ANN401 - as above
        answer = super().render_refusal(*told)
        return type(answer)(answer.status, (("content-type", "text/html"),), b"<h1>429</h1>")


@pytest.mark.parametrize("redis", [False, True])
@pytest.mark.parametrize("mutant", [OwnWindows, FreeNotModified, RefusalsCount, OwnClock, FixedBuckets, Html])
def test_each_mutant_answers_otherwise(mutant: type[Reference], redis: bool, redis_url: str) -> None:  # noqa: FBT001 - a column
    clock, url = Stepped(), redis_url if redis else None
    right, wrong = (kind(clock=clock, instances=2, settings=SETTINGS, redis_url=url) for kind in (Reference, mutant))
    told: list[list[tuple[Any, ...]]] = [[], []]
    for wait_ms in (1300, 0, 0, 0, 1000, 1400, 100, 0, 0, 0, 2400, 200):
        clock.ms += wait_ms
        for place, driver in enumerate((right, wrong)):
            driver.skew_ms = [0, 700]
            told[place].append(get(driver, instance=len(told[place]) % 2, headers=KNOWN))
    right.close()
    wrong.close()
    assert told[0] != told[1]
