"""Every wrong setting stops the start with one line that names it."""

from __future__ import annotations

import socket
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reference_gateway.edge.auth.signing_keys import KeyFiles
from reference_gateway.edge.providers_file import load_providers
from reference_gateway.edge.settings import Address, SettingInvalid, load, masked
from tests.gateway_edge.edge_wire import run

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-password"  # noqa: S105 - nobody's


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key.pem"
    key.write_text("-")
    return {
        "GATEWAY_DATABASE_URL": f"postgresql://me:{SECRET}@127.0.0.1:5432/gateway",
        "GATEWAY_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:6379/0",
        "GATEWAY_VAULT_ADDR": "http://127.0.0.1:8200",
        "GATEWAY_VAULT_ROLE_ID": "a-role",
        "GATEWAY_VAULT_SECRET_ID": "a-secret-id",
        "GATEWAY_JWT_PUBLIC_KEY_FILE": str(key),
        "GATEWAY_JWT_ISSUER": "https://issuer",
        "GATEWAY_JWT_AUDIENCE": "gateway",
    }


def test_the_defaults_are_those_of_the_contract(good: dict[str, str]) -> None:
    settings = load(good)
    assert settings.listen == Address("127.0.0.1", 8000)
    assert (settings.limits.free, settings.limits.pro, settings.limits.enterprise) == (10, 100, 1000)
    assert settings.limits.window_us == 1_000_000
    assert (settings.ttl_pricing_s, settings.stale_s, settings.drain_s) == (Decimal(60), Decimal(86_400), Decimal(30))
    assert (settings.ttl_static_s, settings.xfetch_beta, settings.lease_s) == (Decimal(300), 1.0, Decimal(6))
    assert (settings.body_max_bytes, settings.trusted_proxies) == (1_048_576, ())
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEWAY_LISTEN", "8000"),
        ("GATEWAY_LISTEN", "127.0.0.1:65536"),
        ("GATEWAY_LISTEN", "127.0.0.1:٣"),
        ("GATEWAY_DATABASE_URL", "mysql://127.0.0.1/x"),
        ("GATEWAY_DATABASE_URL", "postgresql://127.0.0.1"),
        ("GATEWAY_DATABASE_URL", "postgresql://127.0.0.1:many/x"),
        ("GATEWAY_REDIS_URL", "127.0.0.1:6379"),
        ("GATEWAY_REDIS_URL", "redis://"),
        ("GATEWAY_REDIS_URL", "redis+cluster://127.0.0.1:1,:2"),
        ("GATEWAY_REDIS_BUDGET_S", "0"),
        ("GATEWAY_REDIS_BUDGET_S", "-1"),
        ("GATEWAY_PROVIDERS_FILE", "/nowhere/providers.toml"),
        ("GATEWAY_JWT_PUBLIC_KEY_FILE", "/nowhere/key.pem"),
        ("GATEWAY_JWT_ISSUER", ""),
        ("GATEWAY_VAULT_ADDR", "127.0.0.1:8200"),
        ("GATEWAY_VAULT_ADDR", "ftp://vault"),
        ("GATEWAY_VAULT_ADDR", "http://vault/v1"),
        ("GATEWAY_VAULT_MOUNT", "/secret"),
        ("GATEWAY_VAULT_MOUNT", ".."),
        ("GATEWAY_CREDENTIAL_CACHE_S", "-1"),
        ("GATEWAY_CREDENTIAL_REFRESH_S", "0"),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("GATEWAY_RATE_WINDOW_S", "0"),
        ("GATEWAY_RATE_WINDOW_S", "0.0000001"),
        ("GATEWAY_RATE_WINDOW_S", "NaN"),
        ("GATEWAY_RATE_FREE", "0"),
        ("GATEWAY_RATE_PRO", "ten"),
        ("GATEWAY_RATE_ENTERPRISE", "1.5"),
        ("GATEWAY_TTL_PRICING_S", "-1"),
        ("GATEWAY_XFETCH_BETA", "-0.1"),
        ("GATEWAY_XFETCH_BETA", "NaN"),
        ("GATEWAY_XFETCH_BETA", "eager"),
        ("GATEWAY_LEASE_S", "0"),
        ("GATEWAY_LEASE_S", "soon"),
        ("GATEWAY_STALE_S", "-1"),
        ("GATEWAY_TTL_STATIC_S", "1e99"),
        ("GATEWAY_DEADLINE_S", "Infinity"),
        ("GATEWAY_BODY_MAX_BYTES", "1e6"),
        ("GATEWAY_DRAIN_S", "soon"),
    ],
)
def test_a_malformed_setting_is_named_with_what_was_found(good: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load({**good, variable: value})
    assert str(caught.value).startswith(f"{variable}: found ")
    assert value[:20] in str(caught.value).replace("\\u0663", "٣")
    assert ", expected " in str(caught.value)


REQUIRED = (
    *("DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEY_FILE", "JWT_ISSUER", "JWT_AUDIENCE"),
    *("VAULT_ADDR", "VAULT_ROLE_ID", "VAULT_SECRET_ID"),
)


@pytest.mark.parametrize("variable", REQUIRED)
def test_a_missing_setting_is_named(good: dict[str, str], variable: str) -> None:
    del good[f"GATEWAY_{variable}"]
    with pytest.raises(SettingInvalid, match=f"GATEWAY_{variable}: found nothing, expected "):
        load(good)


def test_no_error_shows_who_we_are_at_vault(good: dict[str, str]) -> None:
    with pytest.raises(SettingInvalid, match="GATEWAY_VAULT_SECRET_ID: found something else") as caught:
        raise SettingInvalid("GATEWAY_VAULT_SECRET_ID", SECRET, "a secret id")
    assert SECRET not in str(caught.value)
    assert "a-secret-id" not in repr(load(good))
    assert "a-role" not in repr(load(good))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@127.0.0.1/x",
        f"postgresql//me:{SECRET}@127.0.0.1/x",
        f"postgresql:/me:{SECRET}@127.0.0.1/x",
        f"me:{SECRET}@127.0.0.1/x",
        f"mysql://127.0.0.1/x?password={SECRET}",
        f"postgresql://me:a/{SECRET}@127.0.0.1/",
        f"mysql://me:a@{SECRET}@127.0.0.1/x",
    ],
)
def test_no_password_is_shown(good: dict[str, str], url: str) -> None:
    for variable in ("GATEWAY_DATABASE_URL", "GATEWAY_REDIS_URL"):
        with pytest.raises(SettingInvalid) as caught:
            load({**good, variable: url})
        assert SECRET not in str(caught.value)
    assert SECRET not in masked(url)


def test_a_url_without_a_password_is_shown_whole(good: dict[str, str]) -> None:
    with pytest.raises(SettingInvalid, match=r"found 'mysql://127\.0\.0\.1/x'"):
        load({**good, "GATEWAY_DATABASE_URL": "mysql://127.0.0.1/x"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("provider = 1", "provider"),
        ("[[provider]]", "name"),
        ("provider = [", "TOML"),
        ("", "provider"),
        ('[[provider]]\nname = "a"\nadapter = "nix"\n[[provider.endpoint]]\nurl = "http://x"', "adapter"),
        ('[[provider]]\nname = "A B"\nadapter = "lambda"\n[[provider.endpoint]]\nurl = "http://x"', "name"),
        ('[[provider]]\nname = "a"\nadapter = "lambda"\n[[provider.endpoint]]\nurl = "ftp://x"', "url"),
        ('[[provider]]\nname = "a"\nadapter = "lambda"\n[[provider.endpoint]]\nurl = "http://x"\nweight = 0', "weight"),
        ('[[provider]]\nname = "a"\nadapter = "lambda"\ncolour = 1\n[[provider.endpoint]]\nurl = "http://x"', "colour"),
        (2 * '[[provider]]\nname = "a"\nadapter = "lambda"\n[[provider.endpoint]]\nurl = "http://x"\n', "'a' again"),
    ],
)
def test_a_malformed_providers_file_names_the_key(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(text)
    with pytest.raises(SettingInvalid, match=f"(?s)^GATEWAY_PROVIDERS_FILE: .*{named}"):
        load_providers(path)


def test_the_built_in_catalogue_can_be_read(good: dict[str, str]) -> None:
    assert "lambda" in {provider.name for provider in load_providers(load(good).providers_file)}


def test_a_file_that_holds_no_rsa_key_is_named(good: dict[str, str]) -> None:
    with pytest.raises(SettingInvalid, match=r"^GATEWAY_JWT_PUBLIC_KEY_FILE: .*RSA public key"):
        KeyFiles(load(good).jwt_public_key_file, None).load()


@pytest.mark.parametrize("command", [("serve",), ("migrate",), ("users", "create")])
def test_the_command_says_one_line_and_exits_2(good: dict[str, str], command: tuple[str, ...]) -> None:
    good["GATEWAY_DATABASE_URL"] = f"mysql://me:{SECRET}@127.0.0.1/x"
    ended = run(*command, environment=good)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(
        "reference_gateway: GATEWAY_DATABASE_URL: found 'mysql://***@127.0.0.1/x', expected "
    )


def test_a_port_in_use_is_one_line(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run("serve", environment={**environment, "GATEWAY_LISTEN": listen})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"reference_gateway: cannot listen on {listen}: Address already in use\n"
