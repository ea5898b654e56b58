"""Who may come in, put together from settings, and what goes on beside the requests for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.edge.api_keys import ApiKeys
from reference_gateway.edge.auth.attempts import Attempts
from reference_gateway.edge.auth.keys import KeyRoutes
from reference_gateway.edge.auth.passwords import Passwords
from reference_gateway.edge.auth.people import People
from reference_gateway.edge.auth.revocations import ASK_EVERY_S, Revocations
from reference_gateway.edge.auth.sessions import Sessions
from reference_gateway.edge.auth.sign_in import Doors, SignIn
from reference_gateway.edge.auth.signing_keys import LOOK_EVERY_S
from reference_gateway.edge.auth.tokens_issued import TokenIssuer
from reference_gateway.edge.identities import Identities
from reference_gateway.edge.key_table import KeyTable
from reference_gateway.edge.pruning import EVERY_S, Pruning
from reference_gateway.edge.repeating import Repeating
from reference_gateway.edge.tokens import AccessTokens

if TYPE_CHECKING:
    from reference_gateway.edge.auth.signing_keys import WatchedKeys
    from reference_gateway.edge.database import Database
    from reference_gateway.edge.metrics import Metrics
    from reference_gateway.edge.settings import Settings


class Auth:
    """The doors of one instance."""

    def __init__(self, settings: Settings, keys: WatchedKeys, database: Database, metrics: Metrics) -> None:
        revocations, table = Revocations(database), KeyTable(database)
        proven = ApiKeys(table)
        tokens = AccessTokens(keys, settings.jwt_issuer, settings.jwt_audience)
        self.identities = Identities(tokens, proven, revocations, settings.trusted_proxies)
        self.key_routes = KeyRoutes(table, proven)
        self._passwords = Passwords()
        self.sign_in = SignIn(
            Doors(
                people=People(database),
                passwords=self._passwords,
                attempts=Attempts(database),
                sessions=Sessions(database, float(settings.token_s)),
                revocations=revocations,
                issuer=TokenIssuer(keys, settings.jwt_issuer, settings.jwt_audience, int(settings.token_s)),
                address_of=lambda request: self.identities.address(request).name,
                seen=metrics.sign_in,
            )
        )
        self._beside = (
            Repeating("follow revocations", ASK_EVERY_S, revocations.follow),
            Repeating("look at signing keys", LOOK_EVERY_S, keys.look),
            Repeating("prune", EVERY_S, Pruning(database).prune),
        )

    def open(self) -> None:
        """Begin what goes on beside the requests."""
        for work in self._beside:
            work.open()

    async def close(self) -> None:
        """End it."""
        for work in self._beside:
            await work.close()
        self._passwords.close()
