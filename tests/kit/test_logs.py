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


def logged(*, as_json: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(as_json=as_json)], capture_output=True, text=True, check=True
    )
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
