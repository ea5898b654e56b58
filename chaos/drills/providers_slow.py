"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="providers_slow",
    sentence="No provider answers within the upstream time-out: last known offers are shown by the deadline.",
    fault=Fault("providers", ("hang",), lasts_ms=(5_000, 8_000)),
    claims=EVERY,
    heals_ms=8_000,
    settings={"GATEWAY_BREAKER_OPEN_S": "2"},
)
