"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="instance_killed",
    sentence="One of two instances is killed and started again: the other answers on, and no limit is exceeded.",
    fault=Fault("instance", ("killed",), lasts_ms=(4_000, 6_000)),
    claims=EVERY,
)
