"""A whole gateway, put together from settings: the one place that knows every part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.asgi import get_asgi_application

from reference_gateway.adapters.credentials import DevelopmentCredentials
from reference_gateway.adapters.redis import open_limiter, open_snapshots
from reference_gateway.edge import clock, site
from reference_gateway.edge.api import Routes
from reference_gateway.edge.api_keys import ApiKeys
from reference_gateway.edge.cursors import Cursors
from reference_gateway.edge.database import KeyTable
from reference_gateway.edge.fast_path import Bounds, FastPath
from reference_gateway.edge.handover import Handover
from reference_gateway.edge.identities import Identities
from reference_gateway.edge.journal import Journal
from reference_gateway.edge.l2 import NS_PER_S, L2InMemoryCache
from reference_gateway.edge.metrics import Metrics
from reference_gateway.edge.operations import Operations
from reference_gateway.edge.pages import Pages
from reference_gateway.edge.provider_health import ProviderHealth
from reference_gateway.edge.provider_lists import Bounds as ListBounds
from reference_gateway.edge.provider_lists import ProviderLists
from reference_gateway.edge.providers_file import load_providers
from reference_gateway.edge.reads import OfferReads
from reference_gateway.edge.settings import SettingInvalid, Settings, variable_of
from reference_gateway.edge.snapshots import Snapshots
from reference_gateway.edge.tokens import AccessTokens, key_set, load_public_key

if TYPE_CHECKING:
    from reference_gateway.adapters.redis import SlidingWindowRateLimiter
    from reference_gateway.edge.line_writer import LineWriter


MS_PER_S = 1000


class Gateway:
    """One instance, after `site.configure` in its process; raises `SettingInvalid` while it is put together."""

    def __init__(self, settings: Settings, writer: LineWriter) -> None:
        key = load_public_key(settings.jwt_public_key_file)
        self._metrics = Metrics()
        self._limiter = _limiter(settings)
        self._table = KeyTable(settings.database_url)
        providers = load_providers(settings.providers_file)
        health = ProviderHealth(providers)
        self._lists = ProviderLists(
            providers, DevelopmentCredentials(), _list_bounds(settings), metrics=self._metrics, health=health
        )
        self._store = open_snapshots(
            settings.redis_url,
            budget_s=float(settings.redis_budget_s),
            now_us=clock.monotonic_us,
            is_away=lambda: bool(self._limiter.away),
        )
        self._cursors = Cursors(self._store)
        reads = self._reads(settings)
        site.route(Routes(reads))
        self.operations = Operations(self._metrics, key_set(key), self._dependencies, health.render)
        self.app = FastPath(
            identities=Identities(
                AccessTokens(key, settings.jwt_issuer, settings.jwt_audience),
                ApiKeys(self._table),
                settings.trusted_proxies,
            ),
            limiter=self._limiter,
            limits=settings.limits,
            reads=reads,
            operations=self.operations,
            handover=Handover(get_asgi_application()),
            journal=Journal(writer, self._metrics),
            bounds=Bounds(settings.body_max_bytes, float(settings.deadline_s)),
        )
        self._metrics.watch_limiter(lambda: bool(self._limiter.away))
        self._metrics.watch_inflight(lambda: self.app.inflight)
        self._metrics.watch_lines(lambda: writer.dropped)

    def _reads(self, settings: Settings) -> OfferReads:
        life_ms = int(settings.snapshot_s * MS_PER_S)
        snapshots = Snapshots(self._store, life_ms)
        return OfferReads(
            self._lists,
            L2InMemoryCache(),
            float(settings.deadline_s),
            snapshots=snapshots,
            pages=Pages(snapshots, self._cursors, life_ms),
            static_ttl_ns=int(settings.ttl_static_s * NS_PER_S),
        )

    async def open(self) -> None:
        """Make ready to serve; waits for Redis a moment, for nobody else: offers are served with all of them away."""
        self._lists.open()
        await self._table.open()
        await self._limiter.start()
        await self._cursors.learn()

    async def close(self) -> None:
        """Give back what was opened."""
        await self._lists.close()
        await self._table.close()
        await self._store.close()
        await self._limiter.close()

    async def _dependencies(self) -> dict[str, object]:
        """Say how each dependency is; `degraded` where any is not well."""
        states = {
            "redis": "away" if self._limiter.away else "ok",
            "postgresql": "ok" if await self._table.answers() else "away",
        }
        providers = self._lists.states()
        well = {*states.values(), *providers.values()} <= {"ok", "unknown"}
        return {"status": "ok" if well else "degraded", "dependencies": {**states, "providers": providers}}


def _limiter(settings: Settings) -> SlidingWindowRateLimiter:
    try:
        return open_limiter(settings.redis_url, budget_s=float(settings.redis_budget_s), now_us=clock.monotonic_us)
    except ValueError as error:
        raise SettingInvalid(variable_of("redis_url"), settings.redis_url, str(error)) from None


def _list_bounds(settings: Settings) -> ListBounds:
    return ListBounds(
        ttl_ns=int(settings.ttl_pricing_s * NS_PER_S),
        stale_ns=int(settings.stale_s * NS_PER_S),
        upstream_timeout_s=float(settings.upstream_timeout_s),
    )
