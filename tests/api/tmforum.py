"""What tests of TM Forum's APIs share: a partner that asks, and the Swagger files for its answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.http import HttpResponse
from django.test import Client

SPECS = Path(__file__).parents[2].parent / "shared" / "specs" / "tmf"
BALANCE = "/tmf-api/prepayBalanceManagement/v4/"
INTERACTION = "/tmf-api/partyInteraction/v4/"
SWAGGER = {
    BALANCE: SPECS / "TMF654" / "TMF654_Prepay_Balance_Management_API_v4.0.0_swagger.json",
    INTERACTION: SPECS / "TMF683" / "TMF683_Party_Interaction_Management_API_v4.0.0_swagger.json",
}


class Partner:
    """A partner's system; without a key it is whoever uses the sandbox."""

    def __init__(self, client: Client, base: str, key: str | None = None) -> None:
        self.client = client
        self.base = base
        self.key = key

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        return self.send("GET", path, None, status, **headers)

    def post(self, path: str, body: object, status: int = 201, **headers: str) -> Any:
        return self.send("POST", path, body, status, **headers)

    def patch(self, path: str, body: object, status: int = 200) -> Any:
        return self.send("PATCH", path, body, status)

    def send(self, method: str, path: str, body: object, status: int, **headers: str) -> Any:
        """Ask, and read an answer that has this status."""
        answer = self.answer(method, path, body, **headers)
        assert answer.status_code == status, answer.content.decode()[:2_000]
        return json.loads(answer.content) if answer.content else None

    def refused(self, method: str, path: str, body: object, status: int, code: str, **headers: str) -> None:
        """Ask in vain, for a reason that has this code."""
        error = self.send(method, path, body, status, **headers)
        assert (error["code"], error["status"], error["@type"]) == (code, str(status), "Error")
        assert error["reason"]

    def answer(self, method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key is not None:
            sent["authorization"] = f"Bearer {self.key}"
        answer: Any = self.client.generic(
            method, self.base + path, content, content_type="application/json", headers=sent
        )
        return answer


def check(base: str, definition: str, document: object) -> None:
    """Hold an answer against a definition of the Swagger file; its own required attributes are there."""
    path = SWAGGER[base]
    if not path.exists():
        pytest.skip(f"the Swagger file is not at {path}")
    swagger = json.loads(path.read_text(encoding="utf-8"))
    assert definition in swagger["definitions"]
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "$ref": f"#/definitions/{definition}",
        "definitions": swagger["definitions"],
    }
    errors = [
        f"{'/'.join(str(step) for step in error.instance_path)}: {error.message}"
        for error in jsonschema_rs.Draft4Validator(schema, validate_formats=True).iter_errors(document)
    ]
    assert not errors, errors
