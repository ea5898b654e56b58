"""The problem codes, and that the reference gateway's own copy agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.core.problems import CODES, Problem

if TYPE_CHECKING:
    from gatespec.catalogue import Catalogue


def test_the_gateway_knows_exactly_these_codes(catalogue: Catalogue) -> None:
    assert set(CODES) == set(catalogue.errors)


def test_the_gateway_says_the_same_status_and_title(catalogue: Catalogue) -> None:
    said = {code: (Problem(code, "").status, Problem(code, "").title) for code in CODES}
    assert said == {e.code: (e.status, e.title) for e in catalogue.errors.values()}


def test_every_503_and_429_says_when_to_come_back(catalogue: Catalogue) -> None:
    assert {e.code for e in catalogue.errors.values() if e.retry_after} == {
        e.code for e in catalogue.errors.values() if e.status in {429, 503}
    }


def test_only_what_the_client_wrote_can_be_a_field_at_fault(catalogue: Catalogue) -> None:
    assert {e.status for e in catalogue.errors.values() if e.field} == {400, 401, 410, 422}
