"""The adapters that speak the providers' real APIs, by the name that the providers file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_gateway.adapters.providers.digitalocean import DigitalOcean
from reference_gateway.adapters.providers.hyperstack import Hyperstack
from reference_gateway.adapters.providers.lambda_cloud import LambdaCloud
from reference_gateway.adapters.providers.port import (
    FailureKind,
    ListCall,
    Listing,
    ProviderAdapter,
    ProviderFailed,
    Token,
    Wire,
    WireRequest,
)
from reference_gateway.adapters.providers.runpod import RunPod
from reference_gateway.adapters.providers.shadeform import Shadeform
from reference_gateway.adapters.providers.vastai import VastAi
from reference_gateway.adapters.providers.verda import Verda
from reference_gateway.adapters.providers.vultr import Vultr
from reference_gateway.adapters.providers.wire import HttpWire

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ADAPTERS",
    "FailureKind",
    "HttpWire",
    "ListCall",
    "Listing",
    "ProviderAdapter",
    "ProviderFailed",
    "Token",
    "Wire",
    "WireRequest",
]

ADAPTERS: Mapping[str, ProviderAdapter] = {
    "digitalocean": DigitalOcean(),
    "hyperstack": Hyperstack(),
    "lambda": LambdaCloud(),
    "runpod": RunPod(),
    "shadeform": Shadeform(),
    "vastai": VastAi(),
    "verda": Verda(),
    "vultr": Vultr(),
}
