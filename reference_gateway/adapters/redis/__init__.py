"""What all instances share, on Redis and Redis Cluster: the limiter's windows, and snapshots."""

from reference_gateway.adapters.redis.connect import connect, open_limiter, open_snapshots
from reference_gateway.adapters.redis.limiter import SlidingWindowRateLimiter
from reference_gateway.adapters.redis.snapshots import RedisSnapshots

__all__ = ["RedisSnapshots", "SlidingWindowRateLimiter", "connect", "open_limiter", "open_snapshots"]
