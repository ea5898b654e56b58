"""The APIs that simulators speak, by the adapter's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatespec.providers.digitalocean import DigitalOcean
from gatespec.providers.hyperstack import Hyperstack
from gatespec.providers.lambda_cloud import LambdaCloud
from gatespec.providers.runpod import RunPod
from gatespec.providers.shadeform import Shadeform
from gatespec.providers.vastai import VastAi
from gatespec.providers.verda import Verda
from gatespec.providers.vultr import Vultr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatespec.providers.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = {
    "lambda": LambdaCloud(),
    "vultr": Vultr(),
    "digitalocean": DigitalOcean(),
    "shadeform": Shadeform(),
    "hyperstack": Hyperstack(),
    "verda": Verda(),
    "vastai": VastAi(),
    "runpod": RunPod(),
}
