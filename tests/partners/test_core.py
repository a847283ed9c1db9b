"""What is read of partners' documents, and what is never kept of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.partners.core.amounts import UNIT_BYTES, octets, read_bytes
from selbsthelfer.partners.core.asking import Asking, cut, read_asking
from selbsthelfer.partners.core.interactions import read_interaction
from selbsthelfer.partners.core.keeping import SHAPES, is_id, kept, read_instant, written
from selbsthelfer.partners.core.refusals import RefusedError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = sorted({name for shape in SHAPES.values() for name in shape} | {"note", "description", "reason"})
DOCUMENTS = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=8)


@given(st.integers(-(10**15), 10**15))
def test_octets_are_read_as_they_are_written(bytes_: int) -> None:
    assert read_bytes(octets(bytes_)) == bytes_


@given(st.integers(0, 10**6), st.integers(0, 999), st.sampled_from(["MB", "GB"]))
def test_a_fraction_of_a_unit_is_exact(whole: int, thousandths: int, units: str) -> None:
    wanted = (whole * 1_000 + thousandths) * UNIT_BYTES[units] // 1_000
    for amount in (f"{whole}.{thousandths:03}", float(f"{whole}.{thousandths:03}")):
        if wanted <= 10**15:
            assert read_bytes({"amount": amount, "units": units}) == wanted


@given(JSON, JSON)
def test_an_amount_is_whole_octets_or_refused(amount: Any, units: Any) -> None:
    for quantity in (amount, {"amount": amount, "units": units}, {"amount": amount, "units": "GB"}):
        try:
            found = read_bytes(quantity)
        except RefusedError:
            continue
        assert abs(found) <= 10**15
        assert Decimal(str(quantity["amount"])).is_finite()


@given(st.sampled_from(sorted(SHAPES)), DOCUMENTS)
def test_of_any_document_no_free_text_is_kept_and_keeping_again_changes_nothing(
    kind: str, document: dict[str, Any]
) -> None:
    left = kept(document, kind)
    text = json.dumps(left)
    assert "\\u" not in text
    assert kept(left, kind) == left
    assert not set(left) & {"note", "description", "reason"}


@given(DOCUMENTS)
def test_any_interaction_can_be_read(document: dict[str, Any]) -> None:
    reading = read_interaction(document)
    assert reading.channel in (None, "hotline", "chat", "shop", "written")
    assert reading.direction in (None, "inbound", "outbound")
    assert reading.outcome in (None, "answered", "abandoned")


@pytest.mark.parametrize("kind", SHAPES)
def test_words_of_people_end_at_the_door(kind: str) -> None:
    words = "Frau Müller weint"
    document = dict.fromkeys(MEMBERS, words) | {
        "relatedParty": [{"id": "1", "name": words, "role": words}],
        "interactionItem": [{"id": words, "reason": words, "note": [{"text": words}]}],
        "channel": [{"id": words, "name": words}],
        "bucket": {"id": "b", "name": words},
    }
    assert "Frau" not in json.dumps(kept(document, kind))


def test_instants_are_read_in_utc_and_written_the_same() -> None:
    read = read_instant("2026-03-02T10:00:00+01:00")
    assert read is not None
    assert written(read) == "2026-03-02T09:00:00Z"
    assert read_instant("2026-03-02T09:00:00") == read
    for wrong in ("gestern", "0001-01-01T00:00:00+23:00", 5, None, "2026-13-01T00:00:00Z", "9" * 500):
        assert read_instant(wrong) is None


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a-1_%", True),
        ("", False),
        ("a/b", False),
        ("a,b", False),
        ("a b", False),
        ("ä", False),
        ("a\0", False),
        ("x" * 151, False),
    ],
)
def test_an_id_fits_into_an_address_and_into_a_list_of_values(text: str, fits: bool) -> None:
    assert is_id(text) == fits


DOCUMENT = {
    "id": "1",
    "href": "h",
    "status": "active",
    "amount": {"amount": 5, "units": "GB"},
    "product": [{"id": "p"}, {"id": "q"}],
    "isShared": False,
}
ATTRIBUTES = frozenset(DOCUMENT)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ([], True),
        ([("status", "active")], True),
        ([("status", "active,expired")], True),
        ([("status", "expired")], False),
        ([("status", "active"), ("status", "expired")], False),
        ([("amount.amount", "5")], True),
        ([("amount", "5")], False),
        ([("amount.units.more", "GB")], False),
        ([("product.id", "q")], True),
        ([("product.id", "r")], False),
        ([("isShared", "false")], True),
        ([("href", "https://any.example/v4/bucket/1")], True),
        ([("id", "1"), ("amount.units", "MB")], False),
    ],
)
def test_a_document_matches_where_every_filter_names_one_of_its_values(
    query: list[tuple[str, str]], matches: bool
) -> None:
    assert read_asking(query, ATTRIBUTES).matches(DOCUMENT) == matches


def test_fields_are_cut_and_id_and_address_stay() -> None:
    assert cut(DOCUMENT, None) == DOCUMENT
    assert cut(DOCUMENT, frozenset({"product.id", "amount.units", "nothing"})) == {
        "id": "1", "href": "h", "amount": {"units": "GB"}, "product": [{"id": "p"}, {"id": "q"}]
    }  # fmt: skip
    assert cut(DOCUMENT, frozenset({"amount", "amount.units"}))["amount"] == DOCUMENT["amount"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["status", "limit", "offset", "fields", "id", "x"]), st.text()), max_size=4
    )
)
def test_any_query_is_read_or_refused(query: list[tuple[str, str]]) -> None:
    try:
        asking = read_asking(query, ATTRIBUTES)
    except RefusedError:
        return
    assert isinstance(asking, Asking)
    assert 1 <= asking.limit <= 500
    assert 0 <= asking.offset <= 10_000
