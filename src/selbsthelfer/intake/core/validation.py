"""Tell sound facts from unsound ones, each refusal with a code, the member and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.allowances.core.buckets import COURTESY_MAX_BYTES
from selbsthelfer.intake.core.facts import (
    ActivityFinished,
    ContactFinished,
    CourtesyFact,
    CrisisFact,
    Fact,
    SubscriberRegistered,
    decode_fact,
)

MAX_FACT_BYTES = 65_536
"""A fact is a few hundred bytes; a longer one is refused before it is read."""
FUTURE_TOLERANCE = timedelta(minutes=5)
"""How far a sender's clock may run ahead of ours."""
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a fact is refused: a stable code, the member it concerns, and the reason in words."""

    code: str
    field: str | None
    reason: str


_ZERO_BYTE = Rejection("control_character", None, "a text holds a zero byte, which cannot be stored")
_ZERO_BYTE_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WHERE = re.compile(r"^(?P<problem>.*?)(?: - at `\$(?:\.(?P<path>.*))?`)?$", re.DOTALL)
_MEMBER = re.compile(r"field `(?P<member>[^`]+)`")


def read_fact(raw: bytes) -> Fact | Rejection:
    """Decode one CloudEvent and check what its shape cannot say."""
    if len(raw) > MAX_FACT_BYTES:
        return Rejection(
            "too_large", None, f"a fact has at most {MAX_FACT_BYTES} bytes, this one has {len(raw)}"
        )
    if b"\\u0000" in raw and _ZERO_BYTE_IN_JSON.search(raw):
        return _ZERO_BYTE
    try:
        fact = decode_fact(raw)
    except msgspec.ValidationError as error:
        return _explain(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Rejection("broken_line", None, f"this is not JSON: {error}")
    except RecursionError:
        return Rejection("broken_line", None, "this is nested too deeply")
    return check_fact(fact) or fact


def check_fact(fact: Fact) -> Rejection | None:
    """Check one decoded fact; None means that it is sound."""
    if not EARLIEST <= fact.time < LATEST:
        return Rejection("implausible_time", "time", f"{fact.time.isoformat()} lies outside 1980 to 2200")
    if fact.received is not None and not EARLIEST <= fact.received < LATEST:
        return Rejection(
            "implausible_time", "received", f"{fact.received.isoformat()} lies outside 1980 to 2200"
        )
    if type(fact) is CrisisFact:
        return _check_identifiers(fact, "") or _check_crisis(fact)
    rejection = _check_identifiers(fact, fact.subject)  # type: ignore[union-attr]
    check = _CHECKS.get(type(fact))
    return rejection or (check(fact) if check is not None else None)


def _check_identifiers(fact: Fact, subject: str) -> Rejection | None:
    if fact.id.isprintable() and fact.source.isprintable() and subject.isprintable():
        return None
    for field, text in (("id", fact.id), ("source", fact.source), ("subject", subject)):
        if _CONTROL.search(text):
            return Rejection("control_character", field, "an identifier has no control characters")
    return None


def _check_activity(fact: Any) -> Rejection | None:
    activity = fact.data.activity
    if activity in CATALOGUE:
        return None
    return Rejection("unknown_activity", "data.activity", f"“{activity}” is not in the catalogue")


def _check_courtesy(fact: Any) -> Rejection | None:
    if fact.data.bytes <= COURTESY_MAX_BYTES:
        return None
    return Rejection(
        "courtesy_too_large", "data.bytes", f"at most {COURTESY_MAX_BYTES} bytes are given at once"
    )


def _check_crisis(fact: CrisisFact) -> Rejection | None:
    for field, instant in (("data.from", fact.data.from_at), ("data.until", fact.data.until_at)):
        if not EARLIEST <= instant < LATEST:
            return Rejection("implausible_time", field, f"{instant.isoformat()} lies outside 1980 to 2200")
    if fact.data.from_at < fact.data.until_at:
        return None
    return Rejection("empty_crisis", "data.until", "a crisis ends after it begins")


def check_told_fact(fact: Fact) -> Rejection | None:
    """Check a fact that was not read from JSON here."""
    return _ZERO_BYTE if _ZERO_BYTE_IN_JSON.search(msgspec.json.encode(fact)) else check_fact(fact)


def is_in_future(instant: datetime, now: datetime) -> bool:
    """Tell whether an instant lies further ahead than a clock may run."""
    return instant > now + FUTURE_TOLERANCE


def in_future(field: str, instant: datetime, now: datetime) -> Rejection:
    return Rejection(
        "in_future", field, f"{instant.isoformat()} lies more than 5 minutes after {now.isoformat()}"
    )


def _check_contact(fact: Any) -> Rejection | None:
    data = fact.data
    told = (data.channel, data.direction, data.outcome, data.topic, data.queue)
    if all(text is None or text.isprintable() for text in told):
        return None
    for field in ("channel", "direction", "outcome", "topic", "queue"):
        if _CONTROL.search(getattr(data, field) or ""):
            return Rejection("control_character", f"data.{field}", "this text has no control characters")
    return None


def _check_registration(fact: Any) -> Rejection | None:
    data = fact.data
    monthly = data.billing_day is not None
    prepaid = data.period_days is not None and data.period_anchor is not None
    partly_prepaid = data.period_days is not None or data.period_anchor is not None
    if monthly == prepaid or (monthly and partly_prepaid):
        return Rejection(
            "no_billing_cycle",
            "data.billing_day",
            "a line has either a billing_day, or period_days and a period_anchor",
        )
    if not _is_timezone(data.timezone):
        return Rejection("unknown_timezone", "data.timezone", f"“{data.timezone}” is not an IANA time zone")
    if data.period_anchor is not None and not EARLIEST.date() <= data.period_anchor < LATEST.date():
        return Rejection("implausible_time", "data.period_anchor", "the anchor lies outside 1980 to 2200")
    return None


_CHECKS: dict[type, Callable[[Any], Rejection | None]] = {
    ActivityFinished: _check_activity,
    ContactFinished: _check_contact,
    CourtesyFact: _check_courtesy,
    SubscriberRegistered: _check_registration,
}


@lru_cache(maxsize=1_000)
def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _explain(message: str) -> Rejection:
    """Turn a decoder's message into a code, the member and a reason."""
    match = _WHERE.match(message)
    problem = match["problem"] if match else message
    path = (match["path"] if match else None) or ""
    member = _MEMBER.search(problem)
    if member is not None:
        field = f"{path}.{member['member']}".lstrip(".")
        code = "missing_member" if "missing" in problem else "unknown_member"
        return Rejection(code, field, problem)
    return Rejection(_code_of(problem, path), path or None, problem)


def _code_of(problem: str, path: str) -> str:
    if path == "type":
        return "unknown_type"
    if path.endswith("seconds"):
        return _number_code(problem, "negative_seconds")
    if path.endswith("bytes"):
        return _number_code(problem, "negative_bytes")
    if "length" in problem:
        return "too_long" if "<=" in problem else "empty"
    if "RFC3339" in problem or "timezone component" in problem or "datetime" in problem:
        return "broken_time"
    if "enum" in problem or "Invalid value" in problem:
        return "unknown_value"
    if ">=" in problem or "<=" in problem:
        return "out_of_range"
    return "wrong_type"


def _number_code(problem: str, negative: str) -> str:
    if ">" in problem:
        return negative
    if "<=" in problem or "float" in problem or "str" in problem or "out of range" in problem:
        return "wrong_unit"
    return "wrong_type"
