"""Logs as lines of JSON for machines, or as plain lines for people, each with the id of its request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from traceback import walk_tb
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of one."""
ACTS: Final = logging.getLogger("selbsthelfer.acts")
"""Where is written what somebody did to clients, orders and the like: at INFO, and always recorded."""
MAX_FRAMES: Final = 10
"""Places in the code that are told of an error, the innermost first."""


class RequestFilter(logging.Filter):
    """Write the id of the request in hand beside what is logged, and no address: some hold tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get() or "-"
        path = getattr(getattr(record, "request", None), "path", None)
        if path is not None and isinstance(record.args, tuple):
            record.args = tuple("…" if arg == path else arg for arg in record.args)
        return True


class _Reticent(logging.Formatter):
    """Tells of an error what it is and where, never its text."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        return describe_failure(ei[1])


class LineFormatter(_Reticent):
    """Lines for people."""


class MachineFormatter(_Reticent, JsonFormatter):
    """Lines of JSON, without the whole requests that Django hands over."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, "request"],
        )


def log_failure(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log that something failed: the kind of the error and where, never its text, which may name somebody."""
    logger.error("%s: %s", what, describe_failure(error))


def describe_failure(error: BaseException | None) -> str:
    """Name an error by its kind and what caused it, with file, line and function of the last `MAX_FRAMES`."""
    if error is None:
        return "no error"
    frames = [
        f"{frame.f_code.co_filename}:{line}:{frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    kinds = type(error).__name__
    if error.__cause__ is not None:
        kinds += f" from {type(error.__cause__).__name__}"
    return " at ".join([kinds, *reversed(frames[-MAX_FRAMES:])])


@contextmanager
def request_named(request_id: str) -> Iterator[None]:
    """Name the request in hand in every line that is logged on its behalf."""
    token = REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        REQUEST_ID.reset(token)


def logging_settings(*, as_json: bool) -> dict[str, Any]:
    """Lay out Django's `LOGGING`: from WARNING on, acts always, and for machines all of ours from INFO on."""
    machine = {"()": "selbsthelfer.kit.logs.MachineFormatter"}
    line = {
        "()": "selbsthelfer.kit.logs.LineFormatter",
        "fmt": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "selbsthelfer.kit.logs.RequestFilter"}},
        "formatters": {"line": machine if as_json else line},
        "handlers": {
            "standard_error": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "loggers": {
            "django.request": {"level": "ERROR"},
            "selbsthelfer": {"level": "INFO" if as_json else "NOTSET"},
            ACTS.name: {"level": "INFO"},
        },
        "root": {"handlers": ["standard_error"], "level": "WARNING"},
    }
