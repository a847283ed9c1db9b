"""A bill explained line by line, beside the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from selbsthelfer.kit.wording import Words, money
from selbsthelfer.selfservice.core.records import Bill, BillLine


class LineChange(StrEnum):
    """How a line of a bill compares with the bill before."""

    SAME = "same"
    MORE = "more"
    LESS = "less"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line of a bill beside the same line of the bill before; of a line that is gone, that one.

    `difference_cents` is what the line adds to the difference of the two bills. `change` is none where there
    is no bill to compare with.
    """

    line: BillLine
    change: LineChange | None
    difference_cents: int
    told: Words | None


def bill_explained(bill: Bill, previous: Bill | None) -> list[ExplainedLine]:
    """Explain each line of a bill, then those of the bill before that are gone.

    The differences add up to the difference of the two bills.
    """
    if previous is None:
        return [ExplainedLine(line, None, 0, None) for line in bill.lines]
    before: dict[tuple[str, str], list[BillLine]] = {}
    for line in previous.lines:
        before.setdefault(_key(line), []).append(line)
    explained = []
    for line in bill.lines:
        same = before.get(_key(line))
        explained.append(_compared(line, same.pop(0) if same else None))
    for lines in before.values():
        explained += [_gone(line) for line in lines]
    return explained


def _key(line: BillLine) -> tuple[str, str]:
    return line.kind, line.name.en


def _compared(line: BillLine, earlier: BillLine | None) -> ExplainedLine:
    if earlier is None:
        told = Words("Neu: Im Vormonat gab es diesen Posten nicht.", "New: not on last month’s bill.")
        return ExplainedLine(line, LineChange.NEW, line.amount_cents, told)
    difference = line.amount_cents - earlier.amount_cents
    if difference == 0:
        told = Words("Unverändert gegenüber dem Vormonat.", "Same as last month.")
        return ExplainedLine(line, LineChange.SAME, 0, told)
    amount = money(abs(difference))
    if difference > 0:
        told = Words(f"{amount.de} mehr als im Vormonat.", f"{amount.en} more than last month.")
        return ExplainedLine(line, LineChange.MORE, difference, told)
    told = Words(f"{amount.de} weniger als im Vormonat.", f"{amount.en} less than last month.")
    return ExplainedLine(line, LineChange.LESS, difference, told)


def _gone(line: BillLine) -> ExplainedLine:
    amount = money(line.amount_cents)
    told = Words(
        f"Entfallen: Im Vormonat waren das {amount.de}.", f"No longer charged: it was {amount.en} last month."
    )
    return ExplainedLine(line, LineChange.GONE, -line.amount_cents, told)
