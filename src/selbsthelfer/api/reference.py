"""The description of the API: as OpenAPI for machines, and as one page to read, made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import msgspec
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from selbsthelfer.api.application import api
from selbsthelfer.api.examples import resolve

MAX_SHOWN_DEPTH: Final = 5
"""How deep the members of a body are listed."""
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
_FOR_A_WHILE: Final = "public, max-age=300"
_METHODS: Final = ("get", "post", "put", "patch", "delete")


class Member(NamedTuple):
    """A parameter, or a member of a body, as a row."""

    name: str
    kind: str
    is_required: bool
    text: SafeString
    place: str = ""


class Content(NamedTuple):
    """A body that is sent or answered, as one media type."""

    media_type: str
    members: Sequence[Member]
    example: str


class AnswerView(NamedTuple):
    status: str
    text: SafeString
    contents: Sequence[Content]


class RouteView(NamedTuple):
    """A route as the page tells it."""

    anchor: str
    method: str
    path: str
    summary: str
    text: SafeString
    parameters: Sequence[Member]
    bodies: Sequence[Content]
    answers: Sequence[AnswerView]
    refusals: Sequence[AnswerView]
    curl: str


class Area(NamedTuple):
    name: str
    routes: Sequence[RouteView]


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - what a view is given
    """Describe the API to machines."""
    return HttpResponse(_document(), content_type="application/json", headers={"Cache-Control": _FOR_A_WHILE})


@require_safe
def reference(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - what a view is given
    """Describe the API to people."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": _FOR_A_WHILE}
    return HttpResponse(_page(), headers=headers)


@require_safe
def style(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - what a view is given
    """Give how the page looks."""
    content = files("selbsthelfer.api").joinpath("assets/reference.css").read_bytes()
    return HttpResponse(
        content, content_type="text/css; charset=utf-8", headers={"Cache-Control": _FOR_A_WHILE}
    )


@cache
def _document() -> bytes:
    return msgspec.json.encode(_schema())


@cache
def _schema() -> Mapping[str, Any]:
    described: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(api.get_openapi_schema()))
    return described


@cache
def _page() -> str:
    schema = _schema()
    by_area: dict[str, list[RouteView]] = {}
    for path, methods in schema["paths"].items():
        for method in _METHODS:
            if method in methods:
                route = methods[method]
                area = next(iter(route.get("tags", [])), "other")
                by_area.setdefault(area, []).append(_route(path, method, route, schema["components"]))
    return render_to_string(
        "api/reference.html",
        {
            "title": schema["info"]["title"],
            "version": schema["info"]["version"],
            "about": write_text(schema["info"]["description"]),
            "schemes": [
                (scheme["bearerFormat"], write_text(scheme["description"]))
                for scheme in schema["components"]["securitySchemes"].values()
            ],
            "areas": [Area(name, routes) for name, routes in by_area.items()],
        },
    )


def _route(path: str, method: str, route: Mapping[str, Any], components: Mapping[str, Any]) -> RouteView:
    answers = [_answer(status, answer, components) for status, answer in route["responses"].items()]
    return RouteView(
        anchor=route["operationId"],
        method=method.upper(),
        path=path,
        summary=route["summary"],
        text=write_text(route.get("description", "")),
        parameters=[_parameter(one, components["schemas"]) for one in route["parameters"]],
        bodies=_contents(route.get("requestBody", {}), components["schemas"]),
        answers=[one for one in answers if one.status < "400"],
        refusals=[one for one in answers if one.status >= "400"],
        curl=_curl(path, method, route),
    )


def _parameter(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> Member:
    schema = parameter["schema"]
    text = parameter.get("description") or schema.get("description", "")
    return Member(
        parameter["name"], kind_of(schema, schemas), parameter["required"], write_text(text), parameter["in"]
    )


def _answer(status: str, answer: Mapping[str, Any], components: Mapping[str, Any]) -> AnswerView:
    if "$ref" in answer:
        answer = components["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    return AnswerView(status, write_text(answer["description"]), _contents(answer, components["schemas"]))


def _contents(body: Mapping[str, Any], schemas: Mapping[str, Any]) -> Sequence[Content]:
    return [
        Content(
            media_type,
            list(_members(content["schema"], schemas)),
            json.dumps(content["example"], indent=2, ensure_ascii=False) if "example" in content else "",
        )
        for media_type, content in body.get("content", {}).items()
    ]


def _members(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], prefix: str = "", depth: int = MAX_SHOWN_DEPTH
) -> Iterator[Member]:
    """List the members of an object, those of inner objects after their own."""
    schema = resolve(schema, schemas)
    if depth == 0:
        return
    if schema.get("type") == "array" and "items" in schema:
        yield from _members(schema["items"], schemas, f"{prefix}[]", depth)
        return
    for choice in schema.get("anyOf", []):
        yield from _members(choice, schemas, prefix, depth - 1)
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        shown = f"{prefix}.{name}" if prefix else name
        whole = resolve(member, schemas)
        text = write_text(whole.get("description", ""))
        yield Member(shown, kind_of(member, schemas), name in required, text)
        yield from _members(member, schemas, shown, depth - 1)


def kind_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Say in a few words what a value is."""
    schema = resolve(schema, schemas)
    if "enum" in schema:
        return " | ".join(json.dumps(one, ensure_ascii=False) for one in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(kind_of(choice, schemas) for choice in choices))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}), schemas)}"
    kind = schema.get("format") or schema.get("type") or "anything"
    return f"{kind}{_bounds(schema)}" if isinstance(kind, str) else " or ".join(kind)


def _bounds(schema: Mapping[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    unit = " characters" if schema.get("type") == "string" else ""
    return f", {'' if low is None else f'{low:,}'}…{'' if high is None else f'{high:,}'}{unit}"


def _curl(path: str, method: str, route: Mapping[str, Any]) -> str:
    """Write a call that can be tried, with the examples of the parameters that it needs."""
    lines = [f'curl "$HOST{_filled(path, route["parameters"])}"']
    if method != "get":
        lines[0] += f" -X {method.upper()}"
    if route.get("security"):
        lines.append('-H "Authorization: Bearer $KEY"')
    lines += [
        f'-H "{one["name"]}: {one.get("example", "…")}"'
        for one in route["parameters"]
        if one["in"] == "header" and one["required"]
    ]
    for media_type, content in route.get("requestBody", {}).get("content", {}).items():
        lines.append(f'-H "Content-Type: {media_type}"')
        body = json.dumps(content.get("example"), ensure_ascii=False)
        lines.append("-d '" + body.replace("'", "'\\''") + "'")
        break
    return " \\\n  ".join(lines)


def _filled(path: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    for one in parameters:
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", str(one.get("example", "{" + one["name"] + "}")))
    return path


def write_text(text: str) -> SafeString:
    """Write paragraphs and lists, with `code` and **strong** words, as HTML; all else is taken as it is."""
    written = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        if lines and all(line.startswith("- ") for line in lines):
            written.append("<ul>" + "".join(f"<li>{_words(line[2:])}</li>" for line in lines) + "</ul>")
        elif lines:
            written.append(f"<p>{_words(' '.join(lines))}</p>")
    return mark_safe("".join(written))  # noqa: S308 - every text in it was escaped


def _words(text: str) -> str:
    escaped = str(escape(text))
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)
