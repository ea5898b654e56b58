"""The catalogue: of which providers, regions and GPU models there are offers. It holds no price, so it may be older."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reference_gateway.core.gpus import find_gpu
from reference_gateway.core.offer import Json, json_text, timestamp
from reference_gateway.core.offers import merge, warnings_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reference_gateway.core.offer import Offer
    from reference_gateway.core.pages import Moment


def catalog_body(names: Sequence[str], moment: Moment) -> bytes:
    """The catalogue over the providers of `names`, as the lists of `moment` show them: JSON, in UTF-8."""
    offers = merge(offer for each in moment.lists for offer in each.offers)
    known = {each.provider: each.as_of_ms for each in moment.lists}
    about: dict[str, Json] = {
        "providers": _providers(names, known, offers),
        "regions": _regions(offers),
        "gpu_models": _models(offers),
        "total": len(offers),
        "as_of": timestamp(moment.as_of_ms),
        "warnings": warnings_json(moment.warnings),
    }
    return json_text(about).encode()


def _providers(names: Iterable[str], known: Mapping[str, int], offers: Iterable[Offer]) -> list[Json]:
    """Of a provider whose list is not known, the total is not known either."""
    totals = Counter(offer.provider for offer in offers)
    return [
        {
            "name": name,
            "total": totals[name] if name in known else None,
            "as_of": timestamp(known[name]) if name in known else None,
        }
        for name in sorted(names)
    ]


def _regions(offers: Iterable[Offer]) -> list[Json]:
    countries: dict[str, Counter[str]] = {}
    for offer in offers:
        countries.setdefault(offer.region, Counter())[offer.country] += 1
    return [
        {"name": name, "countries": [*sorted(found)], "total": found.total()}
        for name, found in sorted(countries.items())
    ]


def _models(offers: Iterable[Offer]) -> list[Json]:
    totals = Counter(offer.gpu_type for offer in offers)
    models = (find_gpu(name) for name in sorted(totals))
    return [
        {"name": gpu.name, "family": gpu.family, "memory_gb": gpu.memory_gb, "total": totals[gpu.name]}
        for gpu in models
    ]
