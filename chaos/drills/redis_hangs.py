"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.dependency_claims import health_asked_meanwhile
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="redis_hangs",
    sentence="Redis keeps every connection and says nothing more: reads wait for it briefly, then no longer ask it.",
    fault=Fault("redis", ("hanging",), lasts_ms=(7_000, 9_000)),
    claims=EVERY,
    saw=(health_asked_meanwhile,),
)
