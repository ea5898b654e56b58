"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.drill import Drill, Fault
from gatespec.drills.evidence import breaker_half_opened

DRILL = Drill(
    name="providers_half_gone",
    sentence="Half of the providers fail every call: their last known offers are shown beside the others' new ones.",
    fault=Fault("providers", ("status", "reset", "undecodable"), lasts_ms=(5_000, 8_000), share=0.5),
    claims=EVERY,
    saw=(breaker_half_opened,),
    heals_ms=8_000,
    settings={"GATEWAY_BREAKER_OPEN_S": "2"},
)
