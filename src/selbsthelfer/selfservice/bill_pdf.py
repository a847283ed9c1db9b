"""A bill on paper: its lines, its sum and the VAT that it contains."""

from __future__ import annotations

from typing import Final

from selbsthelfer.kit.wording import Language, Words, money, on_day
from selbsthelfer.selfservice.core.money import VAT_PERCENT, vat_within
from selbsthelfer.selfservice.core.records import Bill, Customer
from selbsthelfer.selfservice.paper import Paper

MAX_LINES: Final = 300
"""Lines of a bill that are printed."""

_TITLE = Words("Rechnung", "Bill")


def bill_pdf(
    bill: Bill, customer: Customer, *, language: Language, brand: str, is_small: bool = True
) -> bytes:
    """Write a bill as a PDF in the language of its reader, at most `MAX_LINES` of its lines."""
    title = f"{_TITLE.told(language)} {bill.number}"
    paper = Paper(title=title, language=language, brand=brand, is_small=is_small)
    _write_address(paper, customer)
    paper.heading(title)
    for name, value in _head(bill, customer):
        paper.pair(name.told(language), value.told(language))
    paper.subheading(Words("Posten", "Items").told(language))
    for line in bill.lines[:MAX_LINES]:
        paper.row((line.name.told(language), line.quantity, money(line.amount_cents).told(language)))
    paper.rule()
    total, vat = money(bill.total_cents), money(vat_within(bill.total_cents))
    paper.row((Words("Summe", "Total").told(language), "", total.told(language)), is_bold=True)
    contained = Words(f"darin {VAT_PERCENT} % Mehrwertsteuer", f"including {VAT_PERCENT}% VAT")
    paper.row((contained.told(language), "", vat.told(language)))
    paper.rule()
    due = on_day(bill.due_on)
    paper.paragraph(
        Words(
            f"Den Betrag buchen wir am {due.de} vom Konto {customer.iban} ab.",
            f"We will debit this sum from account {customer.iban} on {due.en}.",
        ).told(language)
    )
    return paper.finished()


def _write_address(paper: Paper, customer: Customer) -> None:
    address = customer.address
    for text in (
        customer.name,
        address.addition,
        f"{address.street} {address.house_number}",
        f"{address.postcode} {address.city}",
    ):
        if text:
            paper.paragraph(text)


def _head(bill: Bill, customer: Customer) -> list[tuple[Words, Words]]:
    first, last = on_day(bill.first_on), on_day(bill.last_on)
    return [
        (Words("Kundennummer", "Customer number"), Words(customer.customer_number, customer.customer_number)),
        (Words("Rechnungsdatum", "Date of bill"), on_day(bill.issued_on)),
        (
            Words("Zeitraum", "Period"),
            Words(f"{first.de} bis {last.de}", f"{first.en} to {last.en}"),
        ),
    ]
