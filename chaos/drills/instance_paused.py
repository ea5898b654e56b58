"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="instance_paused",
    sentence="One of two instances stands still, perhaps in the middle of a refresh: the other answers on in time.",
    fault=Fault("instance", ("paused",), lasts_ms=(4_000, 6_000)),
    claims=EVERY,
)
