"""What counts as a finding where Schemathesis' own word is narrower or wider than the document."""

from __future__ import annotations

import pytest

from gatespec.contract.checks import is_finding

MALFORMED = "Schema-violating request accepted"


@pytest.mark.parametrize(
    ("check", "title", "status", "code", "found"),
    [
        ("negative_data_rejection", MALFORMED, 200, "", True),
        ("negative_data_rejection", MALFORMED, 414, "uri-too-long", False),
        ("negative_data_rejection", MALFORMED, 429, "rate-limited", False),
        ("negative_data_rejection", MALFORMED, 500, "", True),
        ("ignored_auth", "API accepts requests without authentication", 200, "", True),
        ("ignored_auth", "API accepts invalid authentication", 204, "", True),
        ("ignored_auth", "Unexpected response to a request without authentication", 204, "", False),
        ("not_a_server_error", "Server error", 500, "", True),
        ("not_a_server_error", "Server error", 503, "", False),
        ("positive_data_acceptance", "Rejected", 422, "body-invalid", True),
        ("positive_data_acceptance", "Rejected", 422, "idempotency-mismatch", False),
        ("positive_data_acceptance", "Rejected", 429, "rate-limited", False),
        ("status_code_conformance", "Undocumented", 418, "", True),
    ],
)
def test_a_refusal_is_no_acceptance(check: str, title: str, status: int, code: str, *, found: bool) -> None:
    assert is_finding(check, title, status, code, further_rules=False) is found
