"""The checks of a contract run: a fixed list, each with what it holds an answer to."""

from __future__ import annotations

from typing import Final

DRAWN: Final = {
    "not_a_server_error": "no request makes the gateway fail; 503 and 504 are states of the world, and documented",
    "status_code_conformance": "every status is one that the document names for the operation",
    "content_type_conformance": "every body has a documented media type",
    "response_headers_conformance": "every required header is there, and is as its schema says",
    "response_schema_conformance": "every body is as its schema says",
    "negative_data_rejection": "what the document does not allow is refused",
    "positive_data_acceptance": "what the document allows is not refused as malformed",
    "missing_required_header": "a required header that is left out is missed",
    "unsupported_method": "a method that is not documented gets 405, with Allow",
    "ignored_auth": "an operation that needs a credential is refused without one, and with a bad one",
    "use_after_free": "what was deleted is gone",
    "ensure_resource_availability": "what was made is there",
}
"""Schemathesis' own, by its names."""
OF_RESOURCES: Final = frozenset({"use_after_free", "ensure_resource_availability"})
"""They follow what a request made: a repeated answer (`Idempotency-Key`) tells of what was made before."""
OWN: Final = {
    "problem_form": "every error is a problem of RFC 9457, with a code of errors.toml, its status, and its fields",
    "trace_id": "every answer has X-Trace-Id, and a problem says the same; one that was sent is kept",
    "own_document": "the target's own document has every operation of the contract",
    "authorisation": "who may ask by the document is let in, and who may not gets 401 or 403",
    "bad_credential": "a credential that proves nothing is 401 everywhere, or 400 where its header is malformed",
    "unknown_field": "a field that a body does not have is refused with 422 that names it",
    "null_field": "a null where none is allowed is refused with 422 that names the field",
}
"""Those that no schema can say."""
CHECKS: Final = {**DRAWN, **OWN}

STATES: Final = frozenset({503, 504})
"""Of the world: no fault of the gateway's."""
NOT_MALFORMED: Final = frozenset({401, 403, 404, 409, 410, 413, 429, 503, 504})
"""What a well-formed request may be answered for other reasons than its form."""
MALFORMED: Final = 422


REFUSED_FROM: Final = 400
FAILED_FROM: Final = 500

KEY_OF_ANOTHER: Final = "idempotency-mismatch"
"""What a drawn request gets whose drawn `Idempotency-Key` was drawn before."""


ACCEPTED: Final = "API accepts"
"""How the title begins where a request without a good credential was let in, and not refused in another way."""


def is_finding(check: str, title: str, status: int, code: str, *, further_rules: bool) -> bool:
    """Whether a failed check of Schemathesis' is one by our document.

    `title` is its own; `code` is the problem's; `further_rules` is whether the operation has rules that no schema can
    say. Schemathesis knows few statuses by which a request is refused (neither 414 nor 429): for us each of 4xx is one,
    and which of them is right is what other checks say.
    """
    if check == "not_a_server_error":
        return status not in STATES
    if check == "negative_data_rejection":
        return not REFUSED_FROM <= status < FAILED_FROM
    if check == "ignored_auth":
        return title.startswith(ACCEPTED)
    if check == "positive_data_acceptance":
        allowed = further_rules or code == KEY_OF_ANOTHER
        return status not in NOT_MALFORMED and not (status == MALFORMED and allowed)
    return True
