"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="redis_flapping",
    sentence="Redis comes and goes three times: nobody is refused who may read, and no provider is stampeded.",
    fault=Fault("redis", ("refusing", "hanging"), lasts_ms=(9_000, 11_000), flaps=3),
    claims=EVERY,
)
