"""What a cancellation, a withdrawal and an objection must say, and how it is told back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from selbsthelfer.conversations.core.cases import CaseKind
from selbsthelfer.conversations.core.declarations import (
    MAX_FIELD_CHARACTERS,
    MAX_GROUND_CHARACTERS,
    CancellationDetails,
    ConfirmBy,
    DeclarationError,
    Details,
    Notice,
    ObjectionDetails,
    WithdrawalDetails,
    confirmed_to,
    declared,
    details_from,
    to_members,
)

CANCELLATION = CancellationDetails(
    name="Erika Muster",
    contract="K-4711",
    notice=Notice.ORDINARY,
    reason="",
    ends_on=None,
    confirm_by=ConfirmBy.EMAIL,
    confirm_to="erika@example.org",
)
WITHDRAWAL = WithdrawalDetails(
    name="Erika Muster",
    contract="+49 151 12345678",
    ordered_on=date(2026, 11, 2),
    received_on=None,
    confirm_by=ConfirmBy.POST,
    confirm_to="Musterweg 1, 12345 Musterstadt",
)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"name": " "}, {"name": "missing"}),
        (
            {"name": "", "contract": "", "confirm_to": ""},
            dict.fromkeys(("name", "contract", "confirm_to"), "missing"),
        ),
        ({"contract": "x" * (MAX_FIELD_CHARACTERS + 1)}, {"contract": "too_long"}),
        ({"contract": "a\0b"}, {"contract": "unusable"}),
        ({"confirm_to": "Musterweg 1"}, {"confirm_to": "unusable"}),
        ({"confirm_to": "+4915112345678"}, {"confirm_to": "unusable"}),
        ({"notice": Notice.EXTRAORDINARY}, {"reason": "missing"}),
        ({"reason": "x" * (MAX_GROUND_CHARACTERS + 1)}, {"reason": "too_long"}),
    ],
)
def test_every_field_that_cannot_be_used_is_named(changes: dict[str, Any], problems: dict[str, str]) -> None:
    with pytest.raises(DeclarationError) as refused:
        replace(CANCELLATION, **changes)
    assert refused.value.problems == problems


def test_the_least_that_the_law_asks_for_is_enough() -> None:
    assert replace(CANCELLATION, confirm_by=ConfirmBy.POST, confirm_to="Musterweg 1").reason == ""
    assert replace(WITHDRAWAL, ordered_on=None).received_on is None
    with pytest.raises(DeclarationError):
        ObjectionDetails(bill=" ", billed_on=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (CaseKind.CANCELLATION, CANCELLATION),
        (
            CaseKind.CANCELLATION,
            replace(CANCELLATION, notice=Notice.EXTRAORDINARY, reason="Umzug", ends_on=date(2027, 1, 31)),
        ),
        (CaseKind.WITHDRAWAL, WITHDRAWAL),
        (CaseKind.OBJECTION, ObjectionDetails(bill="R-1", billed_on=date(2026, 11, 1))),
    ],
)
def test_what_was_kept_is_read_again(kind: CaseKind, details: Details) -> None:
    assert details_from(kind, json.loads(json.dumps(to_members(details)))) == details


def test_where_nothing_is_kept_there_is_nothing_to_read() -> None:
    assert details_from(CaseKind.CANCELLATION, {}) is None
    assert details_from(CaseKind.DISPUTE, {"programme": "o2-2017"}) is None


def test_the_receipt_goes_to_the_email_address_and_nowhere_by_post() -> None:
    assert confirmed_to(CANCELLATION) == "erika@example.org"
    assert confirmed_to(WITHDRAWAL) is None


def test_a_declaration_is_told_field_by_field_without_those_left_empty() -> None:
    assert [(label.de, value.de) for label, value in declared(CANCELLATION)] == [
        ("Name", "Erika Muster"),
        ("Vertrag", "K-4711"),
        ("Art der Kündigung", "ordentlich"),
        ("Vertragsende", "zum nächstmöglichen Zeitpunkt"),
        ("Bestätigung an", "erika@example.org"),
    ]
    assert [(label.en, value.en) for label, value in declared(WITHDRAWAL)][2:] == [
        ("Ordered on", "2 November 2026"),
        ("Confirmation to", "Musterweg 1, 12345 Musterstadt"),
    ]
    full = replace(CANCELLATION, notice=Notice.EXTRAORDINARY, reason=" Umzug ", ends_on=date(2027, 1, 31))
    told = {label.de: value.de for label, value in declared(full)}
    assert (told["Grund"], told["Vertragsende"]) == ("Umzug", "31. Januar 2027")
