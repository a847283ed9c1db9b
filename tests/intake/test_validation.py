"""Sound facts are read, and each unsound one is refused with a code and the member it concerns."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.intake.core.facts import Fact
from selbsthelfer.intake.core.validation import MAX_FACT_BYTES, Rejection, read_fact
from tests.effort import tries

FROM, UNTIL = "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"
CONTACT = {"source": "/centre", "id": "c-1"}

SOUND: dict[str, list[dict[str, Any]]] = {
    "subscriber.registered": [
        {"timezone": "Europe/Berlin", "billing_day": 31},
        {
            "timezone": "UTC",
            "period_days": 28,
            "period_anchor": "2025-01-06",
            "msisdn": "491761",
            "account": "a",
        },
        {"timezone": "UTC", "billing_day": 1, "tariff": "blue", "included_bytes": 0, "language": "en"},
    ],
    "subscriber.changed": [{}, {"suspended": True}, {"tariff": "blue", "included_bytes": 10**15}],
    "subscriber.billing_day_changed": [{"billing_day": 1}],
    "subscriber.ended": [{}],
    "programme.enrolled": [{"programme": "o2-2017"}, {"programme": "o2-2017", "variant": "control"}],
    "programme.withdrawn": [{"programme": "o2-2017"}],
    "selfservice.finished": [
        {"activity": a, "outcome": o} for a in CATALOGUE for o in ("succeeded", "failed")
    ],
    "contact.ended": [
        {},
        {"channel": "", "direction": None, "outcome": "weird", "topic": "weird", "queue": "q"},
        {"wait_seconds": 0, "talk_seconds": 86_400},
    ],
    "contact.coded": [{"contact": CONTACT, "topic": "fault"}],
    "contact.reclassified": [{"contact": CONTACT, "counts": False, "reason": "r" * 2_000, "by": "agent"}],
    "crisis.declared": [{"from": FROM, "until": UNTIL}, {"from": FROM, "until": UNTIL, "topics": ["fault"]}],
    "usage.recorded": [{"bytes": 0}],
    "courtesy.granted": [{"bytes": 1, "reason": "sorry"}],
}


def written(type_: str, data: object) -> dict[str, Any]:
    fact = {"specversion": "1.0", "id": "1", "source": "/s", "subject": "line", "time": FROM, "type": type_}
    return {**fact, "data": data}


def read(fact: object) -> Fact | Rejection:
    return read_fact(fact if isinstance(fact, bytes) else json.dumps(fact).encode())


def activity(**members: object) -> dict[str, Any]:
    done = {"activity": "call.voicemail", "outcome": "succeeded"}
    return {**written("selfservice.finished", done), **members}


def contact(**data: object) -> dict[str, Any]:
    return written("contact.ended", data)


def without(fact: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in fact.items() if name != member}


@pytest.mark.parametrize("type_", SOUND)
def test_sound_facts_are_read(type_: str) -> None:
    for data in SOUND[type_]:
        fact = read(written(type_, data))
        assert not isinstance(fact, Rejection), (data, fact)
        assert msgspec.json.decode(msgspec.json.encode(fact))["type"] == type_


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(activity(traceparent="00-0af", dataschema="x"), id="extension attributes"),
        pytest.param(activity(time="2025-01-01T01:00:00+01:00"), id="another offset"),
        pytest.param(activity(received=UNTIL), id="told when it was received"),
        pytest.param(activity(id="a\\u0000b"), id="a text that only looks like a zero byte"),
        pytest.param(activity(id="Grüße 😀"), id="any script"),
        pytest.param(b" \t" + json.dumps(activity()).encode() + b" \r\n", id="white space around"),
        pytest.param(without(written("subscriber.ended", {}), "data"), id="an end without data"),
    ],
)
def test_what_does_not_matter_is_left_aside(fact: object) -> None:
    assert not isinstance(read(fact), Rejection)


UNSOUND = [
    pytest.param(
        written("selfservice.finished", {"activity": "bill.shred", "outcome": "succeeded"}),
        ("unknown_activity", "data.activity"),
        id="an activity that is not in the catalogue",
    ),
    pytest.param(contact(talk_seconds=-1), ("negative_seconds", "data.talk_seconds"), id="negative seconds"),
    pytest.param(contact(wait_seconds=-1), ("negative_seconds", "data.wait_seconds"), id="negative wait"),
    pytest.param(contact(talk_seconds=240_000), ("wrong_unit", "data.talk_seconds"), id="milliseconds"),
    pytest.param(contact(talk_seconds=3.5), ("wrong_unit", "data.talk_seconds"), id="a fraction of seconds"),
    pytest.param(contact(talk_seconds="240"), ("wrong_unit", "data.talk_seconds"), id="seconds as text"),
    *(
        pytest.param(written("usage.recorded", {"bytes": bytes_}), (code, "data.bytes"), id=f"{bytes_} bytes")
        for bytes_, code in [
            ("100 MB", "wrong_unit"),
            (1e8, "wrong_unit"),
            (10**18, "wrong_unit"),
            (10**40, "wrong_unit"),
            (-1, "negative_bytes"),
            (None, "wrong_type"),
            (True, "wrong_type"),
        ]
    ),
    pytest.param(b'{"id": "1", "source":', ("broken_line", None), id="a line that breaks off"),
    pytest.param(b"", ("broken_line", None), id="nothing"),
    pytest.param(b"id,source,time", ("broken_line", None), id="another format"),
    pytest.param(json.dumps(activity()).encode() * 2, ("broken_line", None), id="two facts on a line"),
    pytest.param(
        b"\xef\xbb\xbf" + json.dumps(activity()).encode(), ("broken_line", None), id="a byte order mark"
    ),
    pytest.param(
        json.dumps(activity(id="a")).encode().replace(b'"a"', b'"\xff"'), ("broken_line", None), id="no UTF-8"
    ),
    pytest.param([activity()], ("wrong_type", None), id="a list"),
    pytest.param(None, ("wrong_type", None), id="null"),
    pytest.param(activity(id="x" * 2_000_000), ("too_large", None), id="a text of 2 MB"),
    pytest.param(activity(comment="x" * MAX_FACT_BYTES), ("too_large", None), id="more than 64 KiB"),
    pytest.param(activity(type="selfservice.started"), ("unknown_type", "type"), id="an unknown type"),
    pytest.param(activity(type=7), ("unknown_type", "type"), id="a type that is no text"),
    *(
        pytest.param(without(activity(), member), ("missing_member", member), id=f"no {member}")
        for member in ("type", "id", "source", "time", "subject", "data")
    ),
    pytest.param(
        activity(data={"activity": "bill.view"}), ("missing_member", "data.outcome"), id="no outcome"
    ),
    pytest.param(
        contact(talk_time=240), ("unknown_member", "data.talk_time"), id="an unknown member of data"
    ),
    pytest.param(activity(id="a\0b"), ("control_character", None), id="a zero byte in an id"),
    pytest.param(contact(topic="\0"), ("control_character", None), id="a zero byte in a text"),
    pytest.param(activity(subject="a\nb"), ("control_character", "subject"), id="a line break in a subject"),
    pytest.param(contact(queue="\x1b[2J"), ("control_character", "data.queue"), id="an escape sequence"),
    pytest.param(
        json.dumps(activity(id="a")).encode().replace(b'"a"', b'"\\ud800"'),
        ("broken_line", None),
        id="a lone surrogate",
    ),
    pytest.param(activity(time="9999-12-31T23:59:59Z"), ("implausible_time", "time"), id="the year 9999"),
    pytest.param(
        activity(time="0001-01-01T00:00:00+14:00"), ("implausible_time", "time"), id="before the year 1"
    ),
    pytest.param(activity(time="1970-01-01T00:00:00Z"), ("implausible_time", "time"), id="the epoch"),
    pytest.param(
        activity(received="2200-01-01T00:00:00Z"), ("implausible_time", "received"), id="received in 2200"
    ),
    pytest.param(activity(time="2025-01-01T00:00:00"), ("broken_time", "time"), id="a time without a zone"),
    pytest.param(activity(time="2025-02-30T00:00:00Z"), ("broken_time", "time"), id="30 February"),
    pytest.param(activity(time=1735689600), ("broken_time", "time"), id="a time as a number"),
    pytest.param(b'{"a":' * 10_000, ("broken_line", None), id="10,000 tables in each other"),
    pytest.param(
        json.dumps(activity(deep=1)).encode().replace(b"1}", b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ("broken_line", None),
        id="20,000 lists in each other in what is left aside",
    ),
    pytest.param(activity(id=""), ("empty", "id"), id="an empty id"),
    pytest.param(activity(source="s" * 201), ("too_long", "source"), id="a long source"),
    pytest.param(
        activity(data={"activity": "bill.view", "outcome": "maybe"}),
        ("unknown_value", "data.outcome"),
        id="an unknown outcome of an activity",
    ),
    pytest.param(
        activity(specversion="0.3"), ("unknown_value", "specversion"), id="another version of CloudEvents"
    ),
    pytest.param(
        written("programme.enrolled", {"programme": "p", "variant": "placebo"}),
        ("unknown_value", "data.variant"),
        id="an unknown variant",
    ),
    *(
        pytest.param(
            written("subscriber.registered", {"timezone": "Europe/Berlin", **cycle}),
            expected,
            id=f"cycle {cycle}",
        )
        for cycle, expected in [
            ({}, ("no_billing_cycle", "data.billing_day")),
            ({"period_days": 28}, ("no_billing_cycle", "data.billing_day")),
            (
                {"billing_day": 1, "period_days": 28, "period_anchor": "2025-01-01"},
                ("no_billing_cycle", "data.billing_day"),
            ),
            ({"billing_day": 0}, ("out_of_range", "data.billing_day")),
            ({"billing_day": 32}, ("out_of_range", "data.billing_day")),
            ({"billing_day": 1.0}, ("wrong_type", "data.billing_day")),
            ({"period_days": 28, "period_anchor": "1900-01-01"}, ("implausible_time", "data.period_anchor")),
        ]
    ),
    *(
        pytest.param(
            written("subscriber.registered", {"timezone": zone, "billing_day": 1}),
            ("unknown_timezone", "data.timezone"),
            id=f"zone {zone}",
        )
        for zone in ("Mars/Olympus", "CEST", "../../etc/passwd", "/etc/localtime", "Europe")
    ),
    pytest.param(
        written("crisis.declared", {"from": FROM, "until": FROM}),
        ("empty_crisis", "data.until"),
        id="no duration",
    ),
    pytest.param(
        written("crisis.declared", {"from": FROM, "until": UNTIL, "topics": ["t"] * 201}),
        ("too_long", "data.topics"),
        id="a crisis with 201 topics",
    ),
    pytest.param(
        written("contact.reclassified", {"contact": CONTACT, "counts": "no"}),
        ("wrong_type", "data.counts"),
        id="no bool",
    ),
    pytest.param(
        written("contact.coded", {"contact": "c-1", "topic": "fault"}),
        ("wrong_type", "data.contact"),
        id="no key",
    ),
    pytest.param(
        written("courtesy.granted", {"bytes": 0}), ("negative_bytes", "data.bytes"), id="no courtesy"
    ),
    pytest.param(
        written("courtesy.granted", {"bytes": 10**12}),
        ("courtesy_too_large", "data.bytes"),
        id="much courtesy",
    ),
]


@pytest.mark.parametrize(("fact", "expected"), UNSOUND)
def test_an_unsound_fact_is_refused_with_its_reason(fact: object, expected: tuple[str, str | None]) -> None:
    rejection = read(fact)
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.field) == expected
    assert rejection.reason


@pytest.mark.parametrize(
    ("begins", "ends"), [("0001-01-01T00:00:00+14:00", UNTIL), (FROM, "9999-12-31T23:59:59-12:00")]
)
def test_a_crisis_lies_in_plausible_time(begins: str, ends: str) -> None:
    assert isinstance(read(written("crisis.declared", {"from": begins, "until": ends})), Rejection)


texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(["id", "source", "time", "subject", "data", "type", "received", "specversion", "x"])


@tries(200)
@given(
    st.sampled_from(sorted(SOUND)),
    st.dictionaries(members, values, max_size=3),
    st.binary(max_size=4),
    st.data(),
)
def test_whatever_comes_is_a_fact_or_refused(
    type_: str, wrong: dict[str, object], dirt: bytes, data: st.DataObject
) -> None:
    """Nothing that anybody may send raises."""
    raw = json.dumps({**written(type_, SOUND[type_][0]), **wrong}).encode()
    at = data.draw(st.integers(0, len(raw)))
    for sent in (raw, raw[:at] + dirt + raw[at:], raw[:at] + dirt + raw[at + len(dirt) :]):
        assert isinstance(read_fact(sent), Rejection | Fact)
