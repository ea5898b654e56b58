"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.credential_claims import credentials_end, credentials_serve_meanwhile
from gatespec.drills.dependency_claims import health_asked_meanwhile, new_integrations_wait
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="vault_gone",
    sentence="Vault refuses connections, or says nothing: what was last read of it serves for its life, not longer.",
    fault=Fault("vault", ("refusing", "hanging"), lasts_ms=(10_000, 12_000)),
    claims=(*EVERY, credentials_end, credentials_serve_meanwhile, new_integrations_wait),
    saw=(health_asked_meanwhile,),
)
