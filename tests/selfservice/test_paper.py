"""Receipts and bills on paper hold their text, in the language of their reader."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.kit.wording import Language, Words
from selbsthelfer.selfservice.bill_pdf import MAX_LINES, bill_pdf
from selbsthelfer.selfservice.core.records import Address, Bill, BillLine, BillLineKind, Customer
from selbsthelfer.selfservice.core.results import MAX_DETAILS, Credited, Detail, Done, Outcome, Receipt
from selbsthelfer.selfservice.receipt_pdf import receipt_pdf

AT = datetime(2026, 6, 10, 22, 30, tzinfo=UTC)
CUSTOMER = Customer(
    "Zoë Łukasiewicz", "123456789", Address("Rosenweg", "7a", "50667", "Köln"), "DE89 •••• 3000", "Zoë", True
)
BILL = Bill(
    "R20260501-123456789",
    *(date(2026, 6, 1), date(2026, 5, 1), date(2026, 5, 31), date(2026, 6, 15)),
    (
        BillLine(BillLineKind.BASE, Words("Musterfunk M", "Musterfunk M"), "1", 1299, Words("", "")),
        BillLine(BillLineKind.USE, Words("Anrufe nach Wien", "Calls to Vienna"), "3 min", 147, Words("", "")),
    ),
)


def receipt(outcome: Outcome = Outcome.SUCCEEDED, **changes: object) -> Receipt:
    done = Done("Q-7K3M-9PX2-4TR8", "acc.address", outcome, AT, **changes)  # type: ignore[arg-type]
    return Receipt(done.receipt, UUID(int=0), done, AT)


def printed(receipt_: Receipt, language: Language = Language.GERMAN) -> str:
    return text_of(
        receipt_pdf(receipt_, zone="Europe/Berlin", language=language, brand="Musterfunk", is_small=False)
    )


def text_of(pdf: bytes) -> str:
    """Read the text of an uncompressed document by its own tables from glyphs to characters."""
    assert pdf.startswith(b"%PDF-")
    maps = {}
    for font, reference in re.findall(rb"/(F\d\+\d+) (\d+) 0 R", pdf):
        found = re.search(rb"\n%s 0 obj.*?/ToUnicode (\d+) 0 R" % reference, pdf, re.DOTALL)
        if found:
            maps[font] = characters(pdf, found[1])
    assert maps
    words = []
    for font, shown in re.findall(rb"/(F\d\+\d+) [\d.]+ Tf|\((.*?)(?<!\\)\) Tj", pdf):
        if font:
            current = maps[font]
        else:
            words.append("".join(current[code] for code in unescaped(shown)))
    return "\n".join(words)


def characters(pdf: bytes, reference: bytes) -> dict[int, str]:
    found = re.search(rb"\n%s 0 obj(.*?)endobj" % reference, pdf, re.DOTALL)
    assert found
    pairs = re.findall(rb"<(\w{2})> <(\w{4})>", found[1])
    return {int(code, 16): chr(int(character, 16)) for code, character in pairs}


def unescaped(shown: bytes) -> bytes:
    return re.sub(
        rb"\\(\d{3}|.)",
        lambda m: bytes([int(m[1], 8)]) if m[1].isdigit() else m[1],
        shown,
        flags=re.DOTALL,
    )


def test_a_receipt_says_what_when_and_what_it_brought() -> None:
    details = (Detail(Words("Ort", "Town"), Words("50667 Köln", "50667 Köln")),)
    credited = (Credited("o2-2017", 100_000_000, datetime(2026, 8, 31, 22, tzinfo=UTC), is_confirmed=True),)
    done = receipt(details=details, credited=credited, effective=Words("Gilt sofort.", "At once."))
    german = printed(done)
    for expected in (
        "Musterfunk",
        "Anschrift ändern",
        "Q-7K3M-9PX2-4TR8",
        "11. Juni 2026 um 00:30 Uhr",
        "50667 Köln",
        "100 MB, nutzbar bis 31. August 2026",
        "Gilt sofort.",
    ):
        assert expected in german
    english = printed(done, Language.ENGLISH)
    assert "Change postal address" in english
    assert "100 MB, usable until 31 August 2026" in english
    assert "Anschrift" not in english


def test_volume_is_never_called_usable_before_it_is_confirmed() -> None:
    credited = (Credited("p", 100_000_000, AT, is_confirmed=False),)
    german, english = (printed(receipt(credited=credited), language) for language in Language)
    assert "wird gebucht" in german
    assert "being credited" in english
    assert "MB, nutzbar" not in german
    assert "MB, usable" not in english


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_told(outcome: Outcome) -> None:
    reason = Words("Das ging nicht.", "This was not possible.")
    assert "Das ging nicht." in printed(receipt(outcome, reason=reason))


def test_the_document_names_its_language_and_title() -> None:
    for language in Language:
        pdf = receipt_pdf(receipt(), zone="Europe/Berlin", language=language, brand="Musterfunk")
        assert f"/Lang ({language.value})".encode() in pdf
        assert b"/DisplayDocTitle true" in pdf
        assert b"/Title" in pdf


def test_the_same_receipt_is_the_same_document() -> None:
    one, other = (
        receipt_pdf(receipt(), zone="Europe/Berlin", language=Language.GERMAN, brand="M") for _ in range(2)
    )
    assert one == other
    assert len(one) < 60_000


def test_a_receipt_with_all_its_details_has_every_one() -> None:
    details = tuple(
        Detail(Words(f"Angabe {number}", "x"), Words("sehr " * 40 + f"Ende {number}", "x"))
        for number in range(MAX_DETAILS)
    )
    text = printed(receipt(details=details))
    assert all(f"Angabe {number}" in text and f"Ende {number}" in text for number in range(MAX_DETAILS))


@pytest.mark.parametrize("activity", CATALOGUE)
def test_there_is_a_receipt_for_every_activity(activity: str) -> None:
    done = Done("Q-7K3M-9PX2-4TR8", activity, Outcome.SUCCEEDED, AT)
    assert CATALOGUE[activity].german in printed(Receipt(done.receipt, None, done, AT))


def test_a_bill_adds_up_and_shows_the_tax_that_it_contains() -> None:
    pdf = bill_pdf(BILL, CUSTOMER, language=Language.GERMAN, brand="Musterfunk", is_small=False)
    text = text_of(pdf)
    for expected in (
        "Zoë Łukasiewicz",
        "Rechnung R20260501-123456789",
        "1. Mai 2026 bis 31. Mai 2026",
        "Anrufe nach Wien",
        "3 min",
        "14,46 €",
        "2,31 €",
        "darin 19 % Mehrwertsteuer",
        "DE89 •••• 3000",
    ):
        assert expected in text
    english = text_of(bill_pdf(BILL, CUSTOMER, language=Language.ENGLISH, brand="M", is_small=False))
    assert "including 19% VAT" in english
    assert "€14.46" in english


def test_a_long_bill_takes_several_pages_and_one_without_end_is_cut() -> None:
    line = BILL.lines[0]
    long = Bill("R", *(date(2026, 6, 1),) * 4, (line,) * (MAX_LINES + 50))
    pdf = bill_pdf(long, CUSTOMER, language=Language.GERMAN, brand="M", is_small=False)
    assert text_of(pdf).count("Musterfunk M") == MAX_LINES
    assert pdf.count(b"/Type /Page\n") > 3
