"""The core's shared windows on Redis and Redis Cluster."""

from reference_gateway.adapters.redis.connect import connect, open_limiter
from reference_gateway.adapters.redis.limiter import SlidingWindowRateLimiter

__all__ = ["SlidingWindowRateLimiter", "connect", "open_limiter"]
