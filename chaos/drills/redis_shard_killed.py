"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="redis_shard_killed",
    sentence="The busiest master of a Redis Cluster is killed: people read on, and its replica is found and counts on.",
    fault=Fault("shard", ("killed",), lasts_ms=(8_000, 10_000)),
    claims=EVERY,
)
