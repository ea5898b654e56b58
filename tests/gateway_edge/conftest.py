"""A migrated database, an issuer's key, a provider, and gateways that run."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from tests.gateway_edge.edge_wire import AUDIENCE, ISSUER, Instance, Signing, Upstream, new_signing, run, run_upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatespec.stack.postgres import PostgresServer
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultShare

PROVIDERS = ("lambda", "lambda-02")
HOUSE_KEY = "house-key-of-tests"
REDIS_DATABASES = range(7, 64)
"""Apart from those of the other rooms; each gateway has its own, for what one knows of a provider all know."""


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Signing:
    return new_signing(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[Upstream]:
    yield from run_upstream(Upstream())


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Iterator[Upstream]:
    """The provider, well when the test begins and again when it has ended."""
    shared_upstream.says()
    yield shared_upstream
    shared_upstream.says()


@pytest.fixture(scope="session")
def vault_share(vault_server: VaultServer) -> VaultShare:
    """The house's credentials for the providers below."""
    share = vault_server.share("edge")
    for provider in PROVIDERS:
        share.put(f"providers/{provider}", {"api_key": HOUSE_KEY})
    return share


@pytest.fixture(scope="session")
def environment(  # noqa: PLR0913, PLR0917 - every server that a gateway stands on
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    vault_share: VaultShare,
    signing: Signing,
    shared_upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """All settings of a gateway, with the tables made."""
    providers = tmp_path_factory.mktemp("providers") / "providers.toml"
    url = shared_upstream.url
    providers.write_text(
        "\n".join(
            f'[[provider]]\nname = "{name}"\nadapter = "lambda"\nendpoint = [{{ url = "{url}/{name}" }}]'
            for name in PROVIDERS
        )
    )
    found = {
        "GATEWAY_DATABASE_URL": postgres_server.create_database("edge"),
        "GATEWAY_REDIS_URL": redis_server.url(REDIS_DATABASES[0]),
        "GATEWAY_PROVIDERS_FILE": str(providers),
        **vault_share.settings(),
        "GATEWAY_JWT_PRIVATE_KEY_FILE": str(signing.private_file),
        "GATEWAY_JWT_PUBLIC_KEY_FILE": str(signing.public_file),
        "GATEWAY_JWT_ISSUER": ISSUER,
        "GATEWAY_JWT_AUDIENCE": AUDIENCE,
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.0/8",
        "GATEWAY_POLL_S": "0",
        "GATEWAY_HEALTH_INTERVAL_S": "0",
        "GATEWAY_BREAKER_WINDOW": "1000",
    }
    migrated = run("migrate", environment=found)
    assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, "", "")
    return found


@pytest.fixture(scope="session")
def start(
    environment: dict[str, str], redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Instance]]:
    """Start a gateway with some settings of its own; all are stopped in the end."""
    running: list[Instance] = []
    logs = tmp_path_factory.mktemp("logs")

    def begin(**settings: str) -> Instance:
        own = {"GATEWAY_REDIS_URL": redis_server.url(REDIS_DATABASES[len(running)])}
        instance = Instance({**environment, **own, **settings}, logs / f"{len(running)}.jsonl")
        running.append(instance)
        return instance.until_ready()

    yield begin
    codes = {instance.port: instance.stop() for instance in running}
    assert set(codes.values()) <= {0}, codes


@pytest.fixture(scope="session")
def gateway(start: Callable[..., Instance]) -> Instance:
    """A gateway whose limits are in nobody's way."""
    return start(GATEWAY_RATE_FREE="100000", GATEWAY_RATE_ENTERPRISE="100000")


@pytest.fixture(scope="session")
def slow_window(start: Callable[..., Instance]) -> Instance:
    """A gateway whose windows last a test, so that `remaining` counts what a request cost."""
    return start(GATEWAY_RATE_WINDOW_S="600", GATEWAY_RATE_ENTERPRISE="50", GATEWAY_RATE_FREE="5")


@pytest.fixture(scope="session")
def unreached(start: Callable[..., Instance]) -> Instance:
    """A gateway whose PostgreSQL and Redis nobody answers for."""
    return start(
        GATEWAY_DATABASE_URL="postgresql://nobody:hidden-word@127.0.0.1:1/none",
        GATEWAY_REDIS_URL="redis://:hidden-word@127.0.0.1:1/0",
        GATEWAY_RATE_FREE="3",
        GATEWAY_RATE_WINDOW_S="600",
    )


@pytest.fixture(scope="session")
def short_lived(start: Callable[..., Instance]) -> Instance:
    """A gateway that keeps lists for 0.2 s, and calls for at most 1 s."""
    return start(GATEWAY_TTL_PRICING_S="0.2", GATEWAY_UPSTREAM_TIMEOUT_S="1", GATEWAY_RATE_FREE="100000")


@pytest.fixture
def subject() -> str:
    """Somebody whom no other test knows."""
    return f"subject-{next(_SUBJECTS)}"


@pytest.fixture
def address() -> dict[str, str]:
    """An address that no other test comes from."""
    number = next(_SUBJECTS)
    return {"X-Forwarded-For": f"198.18.{number // 256}.{number % 256}"}


@pytest.fixture
def new_key(environment: dict[str, str]) -> Callable[..., dict[str, str]]:
    def create(plan: str = "pro") -> dict[str, str]:
        made = run("users", "create", "--plan", plan, environment=environment)
        assert made.returncode == 0, made.stderr
        return dict(json.loads(made.stdout))

    return create


_SUBJECTS = itertools.count(1)
