"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.credential_claims import a_rotated_credential_is_used, new_credential_used, old_credential_refused
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="credential_rotated_meanwhile",
    sentence="Two of three providers refuse the old credential before or after Vault has the new one: it is found.",
    fault=Fault("credential", ("put first", "refused first"), lasts_ms=(3_000, 5_000), share=0.67),
    claims=(*EVERY, a_rotated_credential_is_used),
    saw=(old_credential_refused, new_credential_used),
    heals_ms=5_000,
    # Far longer than any list is fresh: the old credential is met, and refused, before it would be read again anyhow.
    settings={"GATEWAY_CREDENTIAL_REFRESH_S": "10", "GATEWAY_CREDENTIAL_CACHE_S": "30"},
)
