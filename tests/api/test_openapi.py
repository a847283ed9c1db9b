"""The description of the API: complete, true to the routes, and readable as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client

from selbsthelfer.api.application import api
from selbsthelfer.api.description import needs_of
from tests.api.callers import read

pytestmark = pytest.mark.django_db

REFUSALS_OF_KEYS = {"401", "403", "429"}


@cache
def schema() -> dict[str, Any]:
    described: dict[str, Any] = read(Client().get("/api/v1/openapi.json"))
    return described


def routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema()["paths"].items():
        for method, route in methods.items():
            yield path, method, route


def contents(bodies: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, body in bodies:
        for media_type, content in body.get("content", {}).items():
            yield f"{place} {media_type}", content


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, route in routes():
        yield f"{method} {path}", route.get("requestBody", {})
        for status, answer in route["responses"].items():
            yield f"{method} {path} {status}", answer
    for name, answer in schema()["components"]["responses"].items():
        yield name, answer


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_it_is_served_to_everybody_as_openapi_3_1() -> None:
    assert schema()["openapi"] == "3.1.0"
    assert schema()["paths"]
    assert "RateLimit" not in Client().get("/api/v1/openapi.json").headers


def test_every_reference_leads_somewhere() -> None:
    for reference in references(schema()):
        found: Any = schema()
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_every_route_has_a_name_of_its_own_a_sentence_and_an_area() -> None:
    names = [route["operationId"] for _, _, route in routes()]
    assert len(names) == len(set(names)) == len(list(api.operations()))
    for path, method, route in routes():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", route["operationId"]), route["operationId"]
        assert route["summary"], (method, path)
        assert route.get("description"), (method, path)
        assert len(route["tags"]) == 1, (method, path)


def test_every_route_asks_for_a_key_and_says_for_which() -> None:
    by_name = {api._id_of(operation): operation for operation in api.operations()}
    for path, method, route in routes():
        needs = needs_of(by_name[route["operationId"]])
        assert needs is not None, (method, path)
        assert route["security"][0] == {"client_key": [needs.scope]}
        assert f"`{needs.scope}`" in route["description"]
        assert set(route["responses"]) >= REFUSALS_OF_KEYS, (method, path)


def test_refusals_are_problem_documents() -> None:
    for place, body in bodies():
        status = re.search(r"(\d{3})$", place)
        if status and int(status[1]) >= 400 and "$ref" not in body:
            (media_type,) = body["content"]
            assert media_type == "application/problem+json", place


def test_every_write_that_is_no_fact_names_its_idempotency_key() -> None:
    """Or says in words why it needs none."""
    for path, method, route in routes():
        if method == "get" or path.endswith("/facts"):
            continue
        named = any(one["name"] == "Idempotency-Key" and one["required"] for one in route["parameters"])
        assert named or "`Idempotency-Key` is not needed" in " ".join(route["description"].split()), (
            method,
            path,
        )


def test_what_is_sent_may_hold_nothing_unknown() -> None:
    """A fact is an exception: CloudEvents may be extended, and its `data` is checked by intake."""
    for path, method, route in routes():
        if "requestBody" not in route or path.endswith("/facts"):
            continue
        for content in route["requestBody"]["content"].values():
            for name in {one.rsplit("/", 1)[-1] for one in references(content["schema"])}:
                shape = schema()["components"]["schemas"][name]
                if shape.get("type") == "object":
                    assert shape.get("additionalProperties") is False, (method, path, name)


def test_every_example_is_one() -> None:
    checked = 0
    for place, content in contents(bodies()):
        whole = {**content["schema"], "components": {"schemas": schema()["components"]["schemas"]}}
        error = next(iter(jsonschema_rs.Draft202012Validator(whole).iter_errors(content["example"])), None)
        assert error is None, (place, error, content["example"])
        checked += 1
    assert checked > 5


def test_every_member_and_parameter_is_explained() -> None:
    for path, method, route in routes():
        for parameter in route["parameters"]:
            assert parameter.get("description"), (method, path, parameter["name"])
    unexplained = [
        f"{name}.{member}"
        for name, shape in schema()["components"]["schemas"].items()
        for member, said in shape.get("properties", {}).items()
        if not said.get("description") and "const" not in said and not list(references(said))
    ]
    assert not unexplained


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.add(tag)
        self.ids += [value for value in (said.get("id"),) if value]
        self.links += [value for name in ("href", "src") if (value := said.get(name))]
        assert "style" not in said
        assert not any(name.startswith("on") for name in said)


def test_the_page_tells_every_route_and_asks_nobody_else_for_anything() -> None:
    answer = Client().get("/api/v1/reference")
    assert answer.status_code == 200
    text = answer.content.decode()
    page = Page(text)
    assert {route["operationId"] for _, _, route in routes()} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.isdisjoint({"script", "style", "img", "iframe", "form"})
    for link in page.links:
        assert (link.startswith("#") and link[1:] in page.ids) or Client().get(link).status_code == 200, link
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for path, _, _ in routes():
        assert path in text


def test_the_page_and_the_description_can_be_asked_for_again_cheaply() -> None:
    for path in ("/api/v1/reference", "/api/v1/openapi.json", "/api/v1/reference.css"):
        etag = Client().get(path).headers["ETag"]
        assert Client().get(path, headers={"if-none-match": etag}).status_code == 304
        assert Client().post(path).status_code == 405
