"""Tokens that are bought with a client's id and secret, as Verda wants them: how long they serve, and for whom."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reference_gateway.adapters.providers import FailureKind, ProviderFailed
from reference_gateway.core.credentials.secret import Secret
from tests.gateway_providers.accepted import CLIENT_SECRET
from tests.gateway_providers.played import Calls, credential_of
from tests.gateway_providers.tables import TableProvider, load

if TYPE_CHECKING:
    from reference_gateway.core.credentials.ports import Credential

VERDA = load("verda")
MARGIN_MS = VERDA.said["auth"]["token_margin_s"] * 1000
LIFETIME_MS = VERDA.said["auth"]["token_lifetime_s"] * 1000
TOKEN_PATH = VERDA.said["auth"]["token_path"]


@pytest.fixture
def calls() -> Calls:
    return Calls(TableProvider(VERDA, VERDA.items))


def failure(calls: Calls, credential: Credential | None = None) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        calls.list_offers(credential)
    return failed.value


def test_one_token_serves_all_requests_of_many_calls(calls: Calls) -> None:
    assert calls.list_offers() == calls.list_offers()
    assert calls.provider.tokens == ["token-0"]
    assert [asked.path for asked in calls.provider.asked].count(TOKEN_PATH) == 1


def test_a_token_request_carries_the_credential_in_its_body_alone(calls: Calls) -> None:
    calls.list_offers()
    first, *others = calls.provider.asked
    assert (first.method, first.path, first.query) == ("POST", TOKEN_PATH, {})
    assert first.headers == {"Content-Type": "application/json"}
    assert {asked.headers["Authorization"] for asked in others} == {"Bearer token-0"}


def test_a_token_is_not_used_in_its_last_minute(calls: Calls) -> None:
    calls.list_offers()
    calls.now_ms = LIFETIME_MS - MARGIN_MS - 1
    calls.list_offers()
    assert len(calls.provider.tokens) == 1
    calls.now_ms += 1
    calls.list_offers()
    assert calls.provider.asked[-1].headers["Authorization"] == "Bearer token-1"


def test_a_token_that_lives_no_minute_serves_the_request_it_was_bought_for() -> None:
    auth = {**VERDA.said["auth"], "token_answer": '{"access_token": "<token>", "expires_in": 30}'}
    calls = Calls(TableProvider(replace(VERDA, said={**VERDA.said, "auth": auth}), VERDA.items))
    assert calls.list_offers().offers
    assert len(calls.provider.tokens) == 3  # one for each document


def test_a_token_that_ends_sooner_than_was_said_is_bought_anew(calls: Calls) -> None:
    whole = calls.list_offers()
    calls.provider.refusals = 1
    assert calls.list_offers() == whole
    assert calls.provider.tokens == ["token-0", "token-1"]
    assert calls.list_offers() == whole  # the new one is kept
    assert len(calls.provider.tokens) == 2


def test_whoever_refuses_every_token_is_asked_for_one_more_and_left(calls: Calls) -> None:
    calls.list_offers()
    calls.provider.refusals = 10
    failed = failure(calls)
    assert (failed.kind, failed.status) == (FailureKind.CREDENTIAL, 401)
    assert len(calls.provider.tokens) == 2


def test_another_secret_is_refused_and_buys_nothing(calls: Calls) -> None:
    calls.list_offers()
    failed = failure(calls, {**credential_of(VERDA), "client_secret": Secret("another")})
    assert (failed.kind, failed.status) == (FailureKind.CREDENTIAL, 401)
    assert len(calls.provider.tokens) == 1


def test_a_bad_request_for_a_token_is_a_bad_credential() -> None:
    error = {**VERDA.said["error"], "bad_client": {"status": 400, "body": '{"code":"invalid_client"}'}}
    calls = Calls(TableProvider(replace(VERDA, said={**VERDA.said, "error": error}), ()))
    failed = failure(calls, {name: Secret("another") for name in credential_of(VERDA)})
    assert (failed.kind, failed.status) == (FailureKind.CREDENTIAL, 400)


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_half_a_credential_is_not_sent(missing: str, calls: Calls) -> None:
    half = {name: secret for name, secret in credential_of(VERDA).items() if name != missing}
    assert failure(calls, half).kind is FailureKind.CREDENTIAL
    assert calls.provider.asked == []


def test_the_memory_of_tokens_names_no_secret_and_forgets_the_ended(calls: Calls) -> None:
    calls.list_offers()
    (name,) = calls.tokens
    assert name.startswith("verda/")
    assert CLIENT_SECRET not in name + repr(calls.tokens)
    calls.tokens["verda/v1/oauth2/token/of a credential that was"] = calls.tokens[name]
    calls.tokens["somebody else's"] = calls.tokens[name]
    calls.now_ms = LIFETIME_MS
    calls.list_offers()
    assert set(calls.tokens) == {name, "somebody else's"}


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "null",
        '{"token": "<token>"}',
        '{"access_token": "<token>"}',
        '{"access_token": null, "expires_in": 3600}',
        '{"access_token": "", "expires_in": 3600}',
        '{"access_token": "<token>\\r\\nX-Admin: 1", "expires_in": 3600}',
        '{"access_token": "<token>\\n", "expires_in": 3600}',
        '{"access_token": "<token> é", "expires_in": 3600}',
        '{"access_token": "<token>", "expires_in": 0}',
        '{"access_token": "<token>", "expires_in": -1}',
        '{"access_token": "<token>", "expires_in": true}',
        '{"access_token": "<token>", "expires_in": "3600"}',
        '{"access_token": "<token>", "expires_in": 1e999}',
        '{"access_token": "' + "x" * 8001 + '", "expires_in": 3600}',
    ],
)
def test_an_answer_without_a_token_fails_the_call_and_is_not_repeated_in_it(answer: str) -> None:
    auth = {**VERDA.said["auth"], "token_answer": answer}
    failed = failure(Calls(TableProvider(replace(VERDA, said={**VERDA.said, "auth": auth}), ())))
    assert failed.kind is FailureKind.UNDECODABLE
    assert "token-0" not in "".join(traceback.format_exception(failed))
    assert failed.__context__ is None
