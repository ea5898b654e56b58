"""What the kinds look like: Kubernetes' own by their published schemas, the operator's as `make k8s-check` has them."""

from __future__ import annotations

from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from k8s.check.build import version
from k8s.check.rendered import K8S, Manifest

OPERATORS = {"ExternalSecret", "SecretStore"}
"""The only kinds that Kubernetes does not know; they are held against the schemas in `k8s/check/`."""
CRDS = K8S / "check" / "external-secrets.yaml"


def misfit(one: Manifest) -> str:
    """Why an object is not of its kind; empty where it is."""
    try:
        if one["kind"] in OPERATORS:
            jsonschema.validate(one, _closed(_schemas()[one["kind"], one["apiVersion"]]))
        else:
            kubernetes_validate.validate(one, version(), strict=True)
    except kubernetes_validate.SchemaNotFoundError as error:
        return str(error.message)
    except jsonschema.ValidationError as error:
        return f"{one['kind']} {one['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message}"
    return ""


def _schemas() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for crd in yaml.safe_load_all(CRDS.read_text(encoding="utf-8")):
        spec = crd["spec"]
        for one in spec["versions"]:
            found[spec["names"]["kind"], f"{spec['group']}/{one['name']}"] = one["schema"]["openAPIV3Schema"]
    return found


def _closed(schema: Any) -> Any:  # noqa: ANN401 - JSON Schema
    """The same schema, in which an object has no other fields: as an API server has it."""
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items() if name != "properties"}
    if "properties" in schema:
        closed["properties"] = {name: _closed(value) for name, value in schema["properties"].items()}
        closed["additionalProperties"] = False
    return closed
