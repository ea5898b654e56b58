"""What GATEWAY_REDIS_URL may say, and that an error never repeats its password."""

from __future__ import annotations

import pytest

from reference_gateway.adapters.redis import connect
from reference_gateway.adapters.redis.cluster import RedisClusterWindowStore
from reference_gateway.adapters.redis.store import RedisWindowStore
from tests.gateway_limiter.crowd import now_us


@pytest.mark.parametrize(
    ("url", "kind", "server"),
    [
        ("redis://127.0.0.1:6390/3", RedisWindowStore, "127.0.0.1:6390"),
        ("redis://redis", RedisWindowStore, "redis:6379"),
        ("rediss://ann:s%40crt@redis:7000", RedisWindowStore, "redis:7000"),
        ("redis+cluster://a:7000,b:7001", RedisClusterWindowStore, ""),
    ],
)
async def test_each_form_of_url_names_its_store(url: str, kind: type, server: str) -> None:
    store = connect(url, budget_us=50_000, now_us=now_us)
    assert isinstance(store, kind)
    assert store.server("rl:user:ann") == server
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "http://:hunter2@127.0.0.1:6379",
        "redis://:hunter2@",
        "redis://:hunter2@127.0.0.1:port",
        "redis://:hunter2@127.0.0.1:99999",
        "redis://:hunter2@127.0.0.1:6379/zero",
        "redis://:hunter2@127.0.0.1:6379/0?db=hunter2",
        "redis://:hunter2@127.0.0.1:6379,127.0.0.1:6380",
        "redis+cluster://:hunter2@127.0.0.1:6379/1",
        "redis+cluster://:hunter2@127.0.0.1:6379,,",
    ],
)
def test_a_bad_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        connect(url, budget_us=50_000, now_us=now_us)
    assert "hunter2" not in str(caught.value)
