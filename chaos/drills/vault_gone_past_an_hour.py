"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.credential_claims import credentials_end, credentials_serve_meanwhile
from gatespec.drills.dependency_claims import health_asked_meanwhile, new_integrations_wait
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="vault_gone_past_an_hour",
    sentence="Vault is away for twice the life of what was read of it (scaled): providers get no call past that life.",
    fault=Fault("vault", ("refusing", "hanging"), lasts_ms=(13_000, 15_000)),
    claims=(*EVERY, credentials_end, credentials_serve_meanwhile, new_integrations_wait),
    saw=(health_asked_meanwhile,),
)
