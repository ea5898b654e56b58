"""Two instances of the read path on one Redis; and two running gateways with all that they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from gatespec.providers.control_client import ProvidersControl
from tests.gateway_edge.edge_wire import AUDIENCE, ISSUER, Instance, Signing, new_signing, run
from tests.gateway_owners import fleet as ground
from tests.gateway_owners import room
from tests.gateway_owners.room import Clouds
from tests.servers import running_simulators

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from gatespec.stack.postgres import PostgresServer
    from gatespec.stack.redis import RedisServer
    from gatespec.stack.vault import VaultServer
    from gatespec.stack.vault_api import VaultShare

Pair = tuple[room.Instance, room.Instance]
FLEET_DATABASE = 5


@pytest.fixture
def clouds() -> Clouds:
    return Clouds()


@pytest_asyncio.fixture
async def pair(clean_redis_url: str, clouds: Clouds) -> AsyncIterator[Pair]:
    opened = (await room.open_instance(clean_redis_url, clouds), await room.open_instance(clean_redis_url, clouds))
    yield opened
    for instance in opened:
        await instance.close()


@pytest.fixture
def one(pair: Pair) -> room.Instance:
    return pair[0]


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Signing:
    return new_signing(tmp_path_factory.mktemp("owners-keys"))


@pytest.fixture(scope="session")
def simulators() -> Iterator[str]:
    with running_simulators(ground.POOL) as url:
        yield url


@pytest.fixture(scope="session")
def house(vault_server: VaultServer) -> VaultShare:
    """A Vault with the house's credentials for all of the pool."""
    share = vault_server.share("owners")
    for name in ground.NAMES:
        share.put(f"providers/{name}", {"api_key": ground.HOUSE_KEY})
    return share


@pytest.fixture(scope="session")
def settings(  # noqa: PLR0913, PLR0917 - every server that a gateway stands on
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    house: VaultShare,
    signing_key: Signing,
    simulators: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """All settings of the two, with the tables made."""
    providers: Path = tmp_path_factory.mktemp("owners") / "providers.toml"
    providers.write_text(ground.providers_file(simulators))
    found = {
        "GATEWAY_DATABASE_URL": postgres_server.create_database("owners"),
        "GATEWAY_REDIS_URL": redis_server.url(FLEET_DATABASE),
        "GATEWAY_PROVIDERS_FILE": str(providers),
        **house.settings(),
        "GATEWAY_JWT_PUBLIC_KEY_FILE": str(signing_key.public_file),
        "GATEWAY_JWT_ISSUER": ISSUER,
        "GATEWAY_JWT_AUDIENCE": AUDIENCE,
        "GATEWAY_POLL_S": "0",
        "GATEWAY_HEALTH_INTERVAL_S": "0",
        "GATEWAY_TTL_PRICING_S": str(ground.TTL_S),
        "GATEWAY_CREDENTIAL_REFRESH_S": str(ground.REFRESH_S),
        "GATEWAY_RATE_FREE": "100000",
        "GATEWAY_RATE_ENTERPRISE": "100000",
    }
    migrated = run("migrate", environment=found)
    assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, "", "")
    return found


@pytest.fixture(scope="session")
def fleet(
    settings: dict[str, str],
    house: VaultShare,
    signing_key: Signing,
    simulators: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ground.Fleet]:
    logs = tmp_path_factory.mktemp("owners-logs")
    instances = tuple(Instance(settings, logs / f"{number}.jsonl") for number in range(2))
    for instance in instances:
        instance.until_ready()
    yield ground.Fleet(instances, house, ProvidersControl(simulators), signing_key, list(ground.NAMES))
    assert {instance.stop() for instance in instances} == {0}
