"""Bodies as JSON, by a strict model: what is wrong has a name, and the value itself is never repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from reference_gateway.core.problems import Problem

if TYPE_CHECKING:
    from reference_gateway.edge.requests import Request

NAME_MAX_CHARS: Final = 63
JSON: Final = b"application/json"
_NO_TOKEN = Problem("token-missing", "this is for users: send a token or an API key", "Authorization")
_NO_USER = Problem("user-required", "this is for users, by their tokens or API keys")


class Strict(BaseModel):
    """What a body may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


Body = TypeVar("Body", bound=BaseModel)


def parsed(model: type[Body], request: Request, body: bytes) -> Body | Problem:
    """Return the body, or the problem that names its fault."""
    sent = request.headers.get(b"content-type", JSON)
    if sent.partition(b";")[0].strip().lower() != JSON:
        return Problem("header-invalid", "Content-Type: expected application/json", "Content-Type")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        return fault(error)


def fault(error: ValidationError) -> Problem:
    """Name the field at fault; where the whole body is, it is no JSON object at all."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if not first["loc"]:
        return Problem("request-malformed", "the body is not a JSON object")
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return Problem("field-unknown", f"{field[:NAME_MAX_CHARS]!r} is no field of this body", field)
    return Problem("field-invalid", f"{field}: {first['msg']}", field)


def barred(request: Request) -> Problem | None:
    """Return the problem of whoever is no user."""
    if request.user:
        return None
    return _NO_TOKEN if request.identity is None or request.identity.kind == "ip" else _NO_USER
