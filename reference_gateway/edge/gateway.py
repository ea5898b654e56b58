"""A whole gateway, put together from settings: the one place that knows every part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.asgi import get_asgi_application

from reference_gateway.adapters.providers import ADAPTERS
from reference_gateway.adapters.redis import Healths, open_limiter, open_snapshots
from reference_gateway.core.limiter import microseconds
from reference_gateway.edge import clock, site
from reference_gateway.edge.api import Routes
from reference_gateway.edge.auth import Auth
from reference_gateway.edge.auth.signing_keys import KeyFiles, WatchedKeys
from reference_gateway.edge.cursors import Cursors
from reference_gateway.edge.database import Database
from reference_gateway.edge.fast_path import Bounds, FastPath
from reference_gateway.edge.handover import Handover
from reference_gateway.edge.idempotency import Idempotency
from reference_gateway.edge.idempotency import Operations as IdempotentOperations
from reference_gateway.edge.integrations import Integrations
from reference_gateway.edge.internal import InternalApi
from reference_gateway.edge.journal import Journal
from reference_gateway.edge.lists import Lists
from reference_gateway.edge.metrics import Metrics
from reference_gateway.edge.operations import Operations
from reference_gateway.edge.pages import Pages
from reference_gateway.edge.providers_file import load_providers
from reference_gateway.edge.reads import OfferReads
from reference_gateway.edge.ready import ReadyAnswers
from reference_gateway.edge.settings import SettingInvalid, Settings, variable_of, whole_ms
from reference_gateway.edge.snapshots import Snapshots

if TYPE_CHECKING:
    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.edge.line_writer import LineWriter


class Gateway:
    """One instance, after `site.configure` in its process; raises `SettingInvalid` while it is put together."""

    def __init__(self, settings: Settings, writer: LineWriter) -> None:
        self._keys = WatchedKeys(KeyFiles(settings.jwt_public_key_file, settings.jwt_private_key_file))
        self._metrics = Metrics()
        healths = Healths(microseconds(settings.redis_budget_s), clock.monotonic_us)
        self._limiter = _limiter(settings, healths)
        self._database = Database(settings.database_url)
        providers = load_providers(settings.providers_file)
        self._lists = Lists(settings, providers, healths, self._metrics)
        self._store = open_snapshots(settings.redis_url, healths)
        self._cursors = Cursors(self._store)
        reads = self._reads(settings)
        fields = {each.name: ADAPTERS[each.adapter].credential_fields for each in providers}
        self.operations = Operations(self._metrics, self._keys.key_set, self._dependencies, self._lists.health.page)
        self._auth = Auth(settings, self._keys, self._database, self._metrics)
        identities = self._auth.identities
        integrations = Integrations(self._lists.credentials, self._lists.cache, fields)
        site.route(Routes(reads, integrations, self._auth.sign_in, self._auth.key_routes))
        idempotency = Idempotency(IdempotentOperations(self._database, whole_ms(settings.idempotency_s)))
        self.app = FastPath(
            identities=identities,
            limiter=self._limiter,
            limits=settings.limits,
            reads=reads,
            operations=self.operations,
            internal=InternalApi(identities, idempotency, self._lists.cache, self._lists.finding.names),
            handover=Handover(get_asgi_application()),
            idempotency=idempotency,
            journal=Journal(writer, self._metrics),
            bounds=Bounds(settings.body_max_bytes, float(settings.deadline_s)),
        )
        self._metrics.watch_limiter(lambda: bool(self._limiter.away))
        self._metrics.watch_inflight(lambda: self.app.inflight)
        self._metrics.watch_lines(lambda: writer.dropped)

    def _reads(self, settings: Settings) -> OfferReads:
        life_ms = whole_ms(settings.snapshot_s)
        snapshots = Snapshots(self._store, life_ms)
        return OfferReads(
            self._lists.finding,
            ReadyAnswers(),
            snapshots=snapshots,
            pages=Pages(snapshots, self._cursors, life_ms),
            static_ttl_ms=whole_ms(settings.ttl_static_s),
        )

    async def open(self) -> None:
        """Make ready to serve; waits for Redis a moment, for nobody else: offers are served with all of them away."""
        await self._database.open()
        await self._limiter.start()
        await self._lists.open()
        await self._cursors.learn()
        self._auth.open()

    async def close(self) -> None:
        """Give back what was opened."""
        await self._lists.close()
        await self._auth.close()
        await self._database.close()
        await self._store.close()
        await self._limiter.close()

    async def _dependencies(self) -> dict[str, object]:
        """Say how each dependency is; `degraded` where any is not well."""
        states = {
            "redis": "away" if self._limiter.away else "ok",
            "postgresql": "ok" if await self._database.answers() else "away",
            "vault": "away" if self._lists.credentials.away else "ok",
        }
        providers = self._lists.states()
        well = {*states.values(), *providers.values()} <= {"ok", "unknown"}
        return {"status": "ok" if well else "degraded", "dependencies": {**states, "providers": providers}}


def _limiter(settings: Settings, healths: Healths) -> SlidingWindowRateLimiter:
    try:
        return open_limiter(settings.redis_url, healths)
    except ValueError as error:
        raise SettingInvalid(variable_of("redis_url"), settings.redis_url, str(error)) from None
