"""What is logged, as a machine and as a person reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import logging.config
from selbsthelfer.kit.logs import logging_settings, request_named
logging.config.dictConfig(logging_settings(as_json={as_json}))
log = logging.getLogger("selbsthelfer.intake.operations")
with request_named("r-17"):
    log.info("taken %s", 3)
    log.warning("late %s", 1)
logging.getLogger("somebody.else").info("chatter")
"""


FAILING = """
import os
os.environ["SELBSTHELFER_LOGS"] = "{logs}"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selbsthelfer.project.settings")
import django, logging
django.setup()
from django.test import Client
from selbsthelfer.identity.clients import ACTS
from selbsthelfer.kit.logs import log_failure
ACTS.info("client app was added")
browser = Client(headers={{"host": "localhost"}})
browser.get("/panel/secret-token?" + "&".join(f"a{{n}}=1" for n in range(1_001)))
try:
    try:
        raise ValueError("secret-detail")
    except ValueError as error:
        raise KeyError("secret-key") from error
except KeyError as error:
    log_failure(logging.getLogger("selbsthelfer.x"), "it failed", error)
    request = browser.get("/panel/secret-token").wsgi_request
    more = {{"request": request, "status_code": 500}}
    django_log = logging.getLogger("django.request")
    django_log.error("%s: %s", "Server Error", request.path, exc_info=error, extra=more)
"""


def logged(*, as_json: bool) -> list[str]:
    return run(PROGRAM.format(as_json=as_json))


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_machine_reads_json_with_the_id_of_the_request() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged(as_json=True)]
    assert [(line["level"], line["message"], line["request_id"]) for line in lines] == [
        ("INFO", "taken 3", "r-17"),
        ("WARNING", "late 1", "r-17"),
    ]
    assert {line["logger"] for line in lines} == {"selbsthelfer.intake.operations"}


@pytest.mark.parametrize("part", ["WARNING", "selbsthelfer.intake.operations", "[r-17]", "late 1"])
def test_a_person_reads_a_line_of_what_needs_a_look(part: str) -> None:
    (line,) = logged(as_json=False)
    assert part in line


@pytest.mark.parametrize("logs", ["json", ""])
def test_no_address_and_no_text_of_an_error_is_logged(logs: str) -> None:
    """Of a panel the address is the way in, and the text of an error may name a line."""
    told = "\n".join(run(FAILING.format(logs=logs)))
    assert "secret" not in told
    assert "TooManyFieldsSent" in told
    assert told.count("KeyError from ValueError at <string>:") == 2
    assert "Server Error: " in told
    assert "it failed: KeyError from ValueError at <string>:" in told


@pytest.mark.parametrize("logs", ["json", ""])
def test_what_is_done_to_clients_is_always_recorded(logs: str) -> None:
    assert "client app was added" in "\n".join(run(FAILING.format(logs=logs)))
