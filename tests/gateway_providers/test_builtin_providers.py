"""The providers that are asked where no file names others."""

from __future__ import annotations

from pathlib import Path

from reference_gateway.adapters.providers import ADAPTERS
from reference_gateway.edge import providers_file
from tests.gateway_providers.tables import TABLES

BUILTIN = providers_file.load_providers(Path(providers_file.__file__).with_name("providers.toml"))


def test_every_adapter_has_its_provider_by_its_own_name() -> None:
    assert {(provider.name, provider.adapter) for provider in BUILTIN} == {(name, name) for name in ADAPTERS}


def test_each_is_reached_at_a_host_of_its_own_and_in_secret() -> None:
    urls = [endpoint.url for provider in BUILTIN for endpoint in provider.endpoint]
    assert all(url.startswith("https://") and url.count("/") == 2 for url in urls)
    assert len(set(urls)) == len(urls)


def test_no_provider_is_asked_more_often_than_he_allows() -> None:
    documented = {table.adapter: table.said.get("documented_rate_per_s") for table in TABLES}
    requests = {table.adapter: len(table.documents) for table in TABLES}
    for provider in BUILTIN:
        allowed = documented.get(provider.name)
        if allowed is not None:
            assert provider.rate_per_s is not None
            assert provider.rate_per_s * requests[provider.name] <= allowed


def test_what_only_the_poller_asks_for_is_polled() -> None:
    for provider in BUILTIN:
        assert (provider.poll_s is not None) == ADAPTERS[provider.adapter].polled_only
