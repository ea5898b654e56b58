"""What all instances share, on Redis and Redis Cluster: windows, lists, snapshots, providers."""

from reference_gateway.adapters.redis.cache_script import Terms
from reference_gateway.adapters.redis.connect import (
    channel_of,
    connect,
    open_cache,
    open_limiter,
    open_notices,
    open_snapshots,
    open_upstreams,
)
from reference_gateway.adapters.redis.health import Healths
from reference_gateway.adapters.redis.l1 import RedisL1
from reference_gateway.adapters.redis.limiter import SlidingWindowRateLimiter
from reference_gateway.adapters.redis.notices import Notices
from reference_gateway.adapters.redis.snapshots import RedisSnapshots
from reference_gateway.adapters.redis.upstreams import RedisUpstreams

__all__ = [
    "Healths",
    "Notices",
    "RedisL1",
    "RedisSnapshots",
    "RedisUpstreams",
    "SlidingWindowRateLimiter",
    "Terms",
    "channel_of",
    "connect",
    "open_cache",
    "open_limiter",
    "open_notices",
    "open_snapshots",
    "open_upstreams",
]
