"""What OpenAPI says of every route alike: who may ask, how it refuses, and the headers of each answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from ninja.operation import Operation

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.examples import example_of
from selbsthelfer.api.problems import MEDIA_TYPE, TYPES, ProblemOut
from selbsthelfer.identity.core.scopes import Scope

ABOUT: Final = """\
Facts go in, volume comes out: tell what subscribers did online and when they called the hotline, and read
what they have earned.

**Keys.** Send the key of a client as `Authorization: Bearer shk_…`. `selbsthelfer client add` makes one, with
the scopes it needs. An app may read one line with a token that your server makes for it.

**Instants** are in RFC 3339 and answered in UTC; **volume** is in bytes, as whole numbers.

**Refusals** are problem documents (RFC 9457). `code` does not change and is what programs should look at;
`errors` names each thing wrong with what was sent.

**Pages.** A list answers `items` and `next`; ask again with `cursor` set to `next` until that is `null`.

**Writes** that are not facts need an `Idempotency-Key`; a fact carries its own key, `source` and `id`.

**Limits.** Every answer to a client says in `RateLimit` how many calls are left of this minute. A body may
have 1 MiB, one of facts 16 MiB, and may be packed with gzip.

**Growing.** New members may appear in answers, and new values in lists of codes: ignore what you do not know.
Members that we do not know are refused in what you send.
"""

_SCOPES: Final[Mapping[Scope, str]] = {
    Scope.FACTS_WRITE: "send facts",
    Scope.FACTS_BACKDATE: "say when a fact was received",
    Scope.LINES_READ: "read lines, their rewards, contacts and volume",
    Scope.REWARDS_WRITE: "enrol, withdraw, give courtesy volume",
    Scope.CONTACTS_WRITE: "say whether a contact counts",
    Scope.TOKENS_WRITE: "make tokens and signed links for one line",
    Scope.WEBHOOKS_WRITE: "read and change where events go",
    Scope.BALANCE_READ: "read balances by TMF654",
    Scope.BALANCE_WRITE: "change balances by TMF654",
    Scope.INTERACTION_READ: "read interactions by TMF683",
    Scope.INTERACTION_WRITE: "send interactions by TMF683",
    Scope.METRICS_READ: "read metrics",
}

_HEADERS: Final[Mapping[str, Any]] = {
    "X-Request-Id": {
        "description": "The id of this request: the one you sent, if it is fit for a log, else one of ours.",
        "schema": {"type": "string", "maxLength": 100},
        "example": "0c6ee3a8-6f8e-4f0f-a2a1-3d6de80d4f3b",
    },
    "RateLimit-Policy": {
        "description": "How many calls (`q`) this client has in how many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"client";q=60000;w=60',
    },
    "RateLimit": {
        "description": "How many calls are left (`r`) for how many seconds (`t`).",
        "schema": {"type": "string"},
        "example": '"client";r=59213;t=42',
    },
    "Retry-After": {
        "description": "After how many seconds it is worth asking again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "12",
    },
    "ETag": {
        "description": "Names what was read; as `If-None-Match` it brings 304 while nothing changed.",
        "schema": {"type": "string"},
        "example": '"5f2c9a1be0d34c7f8a6b1d2e3f405162"',
    },
    "Allow": {"description": "The methods of this address.", "schema": {"type": "string"}, "example": "GET"},
    "WWW-Authenticate": {
        "description": "How to show who asks.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="selbsthelfer"',
    },
}

_REFUSALS: Final[Mapping[int, tuple[str, str, str]]] = {
    400: ("The request cannot be read.", "body_malformed", "The body is not JSON."),
    401: ("No key, or one that is unknown, revoked or over.", "key_invalid", "A valid key is needed."),
    403: ("The key lacks the scope.", "scope_missing", "This key may not do that."),
    404: ("There is no such thing.", "line_unknown", "There is no such line."),
    409: ("Things stand in the way of it.", "refused", "That cannot be done now."),
    413: ("The body is too large.", "body_too_large", "A body may have 1,048,576 bytes here, unpacked."),
    415: ("The body is of a kind that is not read.", "media_type_unknown", "A body is JSON in UTF-8."),
    422: (
        "The request can be read, but not be done as it is.",
        "request_invalid",
        "What was sent is not as this route takes it.",
    ),
    429: (
        "The client has asked too often, or its address sent too many wrong keys.",
        "too_many_requests",
        "This client may ask 60,000 times a minute.",
    ),
    503: (
        "The database does not answer right now.",
        "database_away",
        "The database does not answer right now.",
    ),
}
"""By status: what it means, and a code and title that come with it."""


def complete(schema: dict[str, Any], operations: Mapping[str, Operation]) -> None:
    """Add to a description what no route says for itself."""
    components = schema["components"]
    components["securitySchemes"] = _security_schemes()
    components["headers"] = dict(_HEADERS)
    components["schemas"].update(_problem_schemas())
    components["responses"] = {f"Refusal{status}": _refusal(status) for status in _REFUSALS}
    for path in schema["paths"].values():
        for method, route in path.items():
            operation = operations[route["operationId"]]
            _complete_route(route, method, operation)
            _give_examples(route, components["schemas"])
    schema["tags"] = [{"name": tag} for tag in _tags(schema["paths"].values())]


def needs_of(operation: Operation) -> Needs | None:
    """Find the scope that a route asks for; none where it is open to everybody."""
    return next((one for one in operation.auth_callbacks if isinstance(one, Needs)), None)


def _complete_route(route: dict[str, Any], method: str, operation: Operation) -> None:
    needs = needs_of(operation)
    statuses = {400, 503}
    if needs is not None:
        route["security"] = _security(needs)
        route["description"] = f"{route.get('description', '')}\n\nScope: `{needs.scope}`.".strip()
        statuses |= {401, 403, 429}
    if "requestBody" in route:
        statuses |= {413, 415, 422}
    if route["parameters"]:
        statuses |= {422}
    answers = route["responses"]
    for status in statuses:
        answers.setdefault(status, {})
    for status, answer in answers.items():
        answers[status] = _refusal_in(status) if status >= 400 else _with_headers(answer, status, method)
    route["responses"] = {str(status): answers[status] for status in sorted(answers)}


def _give_examples(route: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Show an example of each parameter that is needed and of each body that has none."""
    for parameter in route["parameters"]:
        if parameter["required"] and "examples" not in parameter:
            parameter.setdefault("example", example_of(parameter["schema"], schemas))
    for body in (route.get("requestBody", {}), *route["responses"].values()):
        for content in body.get("content", {}).values():
            content.setdefault("example", example_of(content["schema"], schemas))


def _with_headers(answer: dict[str, Any], status: int, method: str) -> dict[str, Any]:
    names = ["X-Request-Id", "RateLimit-Policy", "RateLimit"]
    if method == "get" and status == 200:
        names.append("ETag")
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {**answer, "headers": {**headers, **answer.get("headers", {})}}


def _refusal_in(status: int) -> dict[str, Any]:
    """Refer to the refusal that is the same everywhere; one that is rare is described in its place."""
    return {"$ref": f"#/components/responses/Refusal{status}"} if status in _REFUSALS else _refusal(status)


def _refusal(status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    meaning, code, title = _REFUSALS.get(status, (f"{phrase}.", "refused", phrase))
    names = ["X-Request-Id"]
    names += ["WWW-Authenticate"] * (status == 401) + ["Retry-After"] * (status in {429, 503})
    example = {
        "type": TYPES + code.replace("_", "-"),
        "title": title,
        "status": status,
        "code": code,
        "request_id": _HEADERS["X-Request-Id"]["example"],
    }
    content = {"schema": {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}, "example": example}
    return {
        "description": meaning,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {MEDIA_TYPE: content},
    }


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    # A member that has nothing to say is left out of a problem, never null.
    schema["required"] = ["type", "title", "status", "code"]
    for name, member in schema["properties"].items():
        schema["properties"][name] = _without_null(member)
    inner: dict[str, Any] = schema.pop("$defs", {})
    return {**inner, ProblemOut.__name__: schema}


def _without_null(member: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in member.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return member
    return {**{name: said for name, said in member.items() if name not in {"anyOf", "default"}}, **kinds[0]}


def _security(needs: Needs) -> list[dict[str, list[str]]]:
    schemes = ["client_key", *(["line_token"] if needs.of_line else [])]
    return [{scheme: [needs.scope.value]} for scheme in schemes]


def _security_schemes() -> dict[str, Any]:
    scopes = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in _SCOPES.items())
    return {
        "client_key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "shk_…",
            "description": f"The key of a client. What it may do is in its scopes:\n\n{scopes}",
        },
        "line_token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "slt_…",
            "description": "A token for one line, good for some minutes: an app reads its own line with it.",
        },
    }


def _tags(paths: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(
        dict.fromkeys(tag for path in paths for route in path.values() for tag in route.get("tags", []))
    )
