"""Logs as lines of JSON for machines, or as plain lines for people, each with the id of its request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of one."""


class RequestIdFilter(logging.Filter):
    """Write the id of the request in hand beside what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get() or "-"
        return True


@contextmanager
def request_named(request_id: str) -> Iterator[None]:
    """Name the request in hand in every line that is logged on its behalf."""
    token = REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        REQUEST_ID.reset(token)


def logging_settings(*, as_json: bool) -> dict[str, Any]:
    """Lay out Django's `LOGGING`: everything of ours from INFO on, of others from WARNING on."""
    line = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
    machine = {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "fmt": "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s",
        "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "selbsthelfer.kit.logs.RequestIdFilter"}},
        "formatters": {"line": machine if as_json else {"format": line}},
        "handlers": {
            "standard_error": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request_id"],
            }
        },
        "loggers": {
            "django.request": {"level": "ERROR"},
            "selbsthelfer": {"level": "INFO" if as_json else "NOTSET"},
        },
        "root": {"handlers": ["standard_error"], "level": "WARNING"},
    }
