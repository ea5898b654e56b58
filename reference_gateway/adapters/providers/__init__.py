"""The adapters that speak the providers' real APIs, by the name that the providers file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.adapters.providers.lambda_cloud import LambdaCloud
from reference_gateway.adapters.providers.port import FailureKind, ListCall, Listing, ProviderAdapter, ProviderFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ADAPTERS", "FailureKind", "ListCall", "Listing", "ProviderAdapter", "ProviderFailed"]

ADAPTERS: Mapping[str, ProviderAdapter] = {"lambda": LambdaCloud()}
