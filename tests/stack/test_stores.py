"""Redis, Redis Cluster and PostgreSQL as real processes: what they keep, what they hide, how they come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest
import redis

if TYPE_CHECKING:
    from gatespec.stack.redis import RedisServer

SOON_MS = 10_000


def test_redis_wants_its_password_and_shows_it_to_nobody(redis_server: RedisServer) -> None:
    host, port = redis_server.address.split(":")
    with redis.Redis(host, int(port)) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    password = redis_server.url().split("@")[0].removeprefix("redis://:")
    assert len(password) >= 24
    assert password not in " ".join(psutil.Process(redis_server.pid).cmdline())
    assert password not in repr(vars(redis_server)["child"].command)
    assert password not in redis_server.described().address
