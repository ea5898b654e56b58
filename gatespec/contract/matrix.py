"""What no schema can say: who is let in, which credentials prove nothing, and what bodies do not have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from gatespec.clock import epoch_s
from gatespec.contract.answers import Answer, load_examiner
from gatespec.contract.findings import Finding
from gatespec.engine.failure import curl
from gatespec.ports import Identity, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatespec.contract.callers import Caller
    from gatespec.contract.document import ContractDocument, Node, Operation
    from gatespec.contract.findings import Asked
    from gatespec.drivers.http import HttpGateway
    from gatespec.ports import Exchange
    from gatespec.stack.lane import Lane

NOT_ALLOWED: Final = (401, 403)
UNKNOWN_FIELD: Final = "colour"
MALFORMED: Final = 422
ENORMOUS: Final = 10_000
ENORMOUS_NAME: Final = "an enormous token"
JSON: Final = (("Content-Type", "application/json"),)
REPLAYS: Final = 5
PATIENCE: Final = 5
"""How often one request is asked that meets the limit."""
WAIT_MAX_S: Final = 10
TOO_MANY: Final = 429
LIMITED: Final = "rate-limited"
OWN_DOCUMENT: Final = "/api/v2/openapi.json"


@dataclass(frozen=True)
class Matrix:
    """Every caller before every operation, with the document's own examples."""

    document: ContractDocument
    gateway: HttpGateway
    asked: dict[str, Asked]
    examples: Callable[[Operation], str]
    """A path that means something, for an operation."""

    @property
    def operations(self) -> list[Operation]:
        """Those that are asked for in this run."""
        return [each.operation for each in self.asked.values()]

    def ask_all(self, everybody: Sequence[Caller]) -> None:
        """Ask, and note who was let in that may not be, and who was not that may."""
        for operation in self.operations:
            for caller in everybody:
                trace_id = secrets.token_hex(16)
                request = self._request(operation, caller.identity)
                traced = replace(request, headers=(*request.headers, ("traceparent", f"00-{trace_id}-{'1' * 16}-01")))
                exchange = self._ask(traced)
                self._weigh(operation, caller, exchange)
                self._trace(operation, caller, exchange, trace_id)

    def _weigh(self, operation: Operation, caller: Caller, exchange: Exchange) -> None:
        asked, status = self.asked[operation.label], exchange.status or 0
        if caller.may_ask(operation):
            asked.statuses[status] += 1
            by_login = operation.path.rpartition("/")[2] in {"login", "refresh", "service-token"}
            if status in NOT_ALLOWED and not by_login:
                self._found(asked, "authorisation", caller.role, f"{status}, though the document lets it in", exchange)
            return
        asked.others[status] += 1
        if status not in NOT_ALLOWED:
            self._found(
                asked, "authorisation", caller.role, f"{status}, though the document does not let it in", exchange
            )

    def _trace(self, operation: Operation, caller: Caller, exchange: Exchange, trace_id: str) -> None:
        if exchange.status is not None and exchange.headers.get("x-trace-id") != trace_id:
            what = "X-Trace-Id is not the trace id that traceparent brought"
            self._found(self.asked[operation.label], "trace_id", caller.role, what, exchange)

    def try_bad_credentials(self, lane: Lane) -> None:
        """Show every operation credentials that prove nothing."""
        for operation in self.operations:
            if not _takes_credentials(operation):
                continue
            for name, headers, permitted in bad_credentials(lane):
                request = self._request(operation, Identity("ip", "198.18.0.9", "free", headers))
                exchange = self._ask(request, by_parser=name == ENORMOUS_NAME)
                asked = self.asked[operation.label]
                asked.others[exchange.status or 0] += 1
                if exchange.status not in permitted:
                    what = f"{exchange.status} to a credential that proves nothing ({name})"
                    self._found(asked, "bad_credential", "nobody", what, exchange)

    def try_bad_bodies(self, everybody: Sequence[Caller]) -> None:
        """Give every body a field that it does not have, and nulls where none are allowed."""
        for operation in self.operations:
            schema = self._body_schema(operation)
            who = next((caller for caller in everybody if caller.may_ask(operation)), None)
            if schema is None or who is None:
                continue
            good = json.loads(self._body(operation) or "{}")
            self._try(operation, who, "unknown_field", {**good, UNKNOWN_FIELD: 1}, UNKNOWN_FIELD)
            for name in schema.get("required", ()):
                self._try(operation, who, "null_field", {**good, name: None}, name)

    def _try(self, operation: Operation, who: Caller, check: str, body: Node, field: str) -> None:
        request = replace(self._request(operation, who.identity), body=json.dumps(body))
        exchange = self._ask(request)
        asked = self.asked[operation.label]
        asked.statuses[exchange.status or 0] += 1
        named = str(_json(exchange.body).get("field", ""))
        if exchange.status != MALFORMED or not (named == field or named.startswith(f"{field}.")):
            said = f", naming {named!r}" if named else ""
            self._found(asked, check, who.role, f"{field!r} gets {exchange.status}{said}", exchange)

    def compare_documents(self) -> None:
        """An operation of the contract that the gateway's own document does not have is not promised by it."""
        (exchange,) = self.gateway.play([Request(Identity("ip", "198.18.0.9", "free"), 0, path=OWN_DOCUMENT)])
        paths = _json(exchange.body).get("paths", {})
        for operation in self.operations:
            own = paths.get(operation.path, {}) if isinstance(paths, dict) else {}
            if operation.method.lower() not in own:
                what = f"{OWN_DOCUMENT} of the target does not have it"
                self.asked[operation.label].found(Finding("own_document", "anonymous", what, curl(exchange), 1, 1))

    def _ask(self, request: Request, *, by_parser: bool = False) -> Exchange:
        """Ask, and hold the answer against the document, unless an HTTP parser may give it that knows no document."""
        exchange = self._patiently(request)
        asked, said = self.asked_of(request), exchange.status
        if asked is not None and said is not None and not by_parser:
            for violation in load_examiner().examine(
                Answer(request.method, request.path, said, exchange.headers, exchange.body)
            ):
                found = Finding(violation.check, request.identity.kind, str(violation), curl(exchange))
                asked.found(found)
        return exchange

    def _patiently(self, request: Request) -> Exchange:
        """Ask, and again where the limit was met: a gateway that runs already has limits of its own."""
        for _ in range(PATIENCE):
            (exchange,) = self.gateway.play([request])
            if exchange.status != TOO_MANY or _json(exchange.body).get("code") != LIMITED:
                break
            wait_s = exchange.headers.get("retry-after", "1")
            self.gateway.wait(1000 * min(int(wait_s) if wait_s.isdecimal() else 1, WAIT_MAX_S))
        return exchange

    def asked_of(self, request: Request) -> Asked | None:
        """The operation that a request is for."""
        operation = load_examiner().operation(request.method, request.path)
        return self.asked.get(operation.label) if operation else None

    def _found(self, asked: Asked, check: str, role: str, what: str, exchange: Exchange) -> None:
        again = [self._ask(exchange.request).status == exchange.status for _ in range(REPLAYS)]
        asked.found(Finding(check, role, what, curl(exchange), sum(again), REPLAYS))

    def _request(self, operation: Operation, who: Identity) -> Request:
        body = self._body(operation)
        return Request(who, 0, operation.method, self.examples(operation), JSON if body else (), body=body)

    def _body(self, operation: Operation) -> str:
        content = self._content(operation)
        return json.dumps(content["example"]) if content and "example" in content else ""

    def _body_schema(self, operation: Operation) -> Node | None:
        content = self._content(operation)
        return self.document.resolved(content["schema"]) if content else None

    def _content(self, operation: Operation) -> Node | None:
        body: Any = operation.about.get("requestBody")
        return self.document.resolved(body)["content"].get("application/json") if body else None


def _takes_credentials(operation: Operation) -> bool:
    return (any(schemes for schemes in operation.security) and "security" in operation.about) or _under_api(operation)


def _under_api(operation: Operation) -> bool:
    """Everything there identifies whoever asks; `/health` and its like ask nobody who they are."""
    return operation.path.startswith("/api/") and operation.path != "/api/v2/providers/health"


Bad = tuple[str, tuple[tuple[str, str], ...], tuple[int, ...]]


def bad_credentials(lane: Lane) -> Iterator[Bad]:
    """Name, headers and permitted statuses of credentials that prove nothing."""
    only_401, also_400 = (401,), (400, 401)
    for name, token in _bad_tokens(lane):
        yield name, (("Authorization", f"Bearer {token}"),), only_401
    yield "no token", (("Authorization", "Bearer"),), also_400
    yield "another scheme", (("Authorization", "Basic YTpi"),), also_400
    yield ENORMOUS_NAME, (("Authorization", f"Bearer {'a' * ENORMOUS}"),), (400, 401, 431)
    yield "an unknown key", (("X-API-Key", f"gk_0123456789abcdef_{'A' * 43}"),), only_401
    yield "a malformed key", (("X-API-Key", "x"),), also_400
    yield "two credentials", (("X-API-Key", "x"), ("Authorization", "Bearer x")), also_400


def _bad_tokens(lane: Lane) -> Iterator[tuple[str, str]]:
    """RFC 8725: algorithm confusion, none, and claims that are not ours; signed by our own key where one is needed."""
    key = lane.signing
    issuer, audience = (key.issuer, key.audience) if key else ("https://issuer.invalid", "gateway")
    now_s = epoch_s()
    good = {
        "iss": issuer,
        "aud": audience,
        "sub": "x",
        "typ": "user",
        "plan": "enterprise",
        "iat": now_s,
        "exp": now_s + 600,
    }
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield "a stranger's signature", jwt.encode(good, stranger, algorithm="RS256")
    yield "alg none", f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(good)}."
    yield "no JSON", "a.b.c"
    if key is None:
        return
    public = key.public_key_file.read_bytes()
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(good)}"
    yield "HS256 with the public key", f"{signed}.{_b64(hmac.digest(public, signed.encode(), hashlib.sha256))}"
    ours = key.private_key_file.read_bytes()
    whole = jwt.encode(good, ours, algorithm="RS256")
    yield "a truncated token", whole[: len(whole) - 20]
    yield "an unknown key id", jwt.encode(good, stranger, algorithm="RS256", headers={"kid": "nobodys"})
    wrong: dict[str, Node] = {
        "another issuer": {"iss": "x"},
        "another audience": {"aud": "x"},
        "expired": {"exp": now_s - 5},
    }
    wrong |= {"not valid yet": {"nbf": now_s + 600}, "no subject": {"sub": ""}, "an unknown plan": {"plan": "gold"}}
    for name, claims in wrong.items():
        yield name, jwt.encode({**good, **claims}, ours, algorithm="RS256")


def _part(value: Node) -> str:
    return _b64(json.dumps(value).encode())


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _json(body: bytes) -> Node:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
