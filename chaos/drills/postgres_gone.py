"""What is lost, and what is claimed of it: data alone."""

from gatespec.drills.claims import EVERY
from gatespec.drills.dependency_claims import health_asked_meanwhile, what_needs_the_database_waits
from gatespec.drills.drill import Drill, Fault

DRILL = Drill(
    name="postgres_gone",
    sentence="PostgreSQL refuses every connection, or keeps it and says nothing: offers are read all the same.",
    fault=Fault("database", ("refusing", "hanging"), lasts_ms=(7_000, 9_000)),
    claims=(*EVERY, what_needs_the_database_waits),
    saw=(health_asked_meanwhile,),
)
