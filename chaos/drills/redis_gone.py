"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.dependency_claims import health_asked_meanwhile
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="redis_gone",
    sentence="Redis refuses every connection while people read: they go on reading, limited per instance.",
    fault=Fault("redis", ("refusing",), lasts_ms=(7_000, 9_000)),
    claims=EVERY,
    saw=(health_asked_meanwhile,),
)
