"""What customers type is brought into one true form or refused with a sentence in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.kit.numbers import ALPHABET, BrokenNumberError, NumberKind
from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.checking import (
    WrongInputError,
    checked_activation_code,
    checked_address,
    checked_iban,
    checked_iccid,
    checked_name,
    checked_phone,
    checked_postcode,
    luhn_digit,
    masked_iban,
)
from selbsthelfer.selfservice.core.explaining import LineChange, bill_explained
from selbsthelfer.selfservice.core.money import vat_within
from selbsthelfer.selfservice.core.order_details import details_of
from selbsthelfer.selfservice.core.order_forms import ORDER_KINDS, order_as_plain, order_of_plain
from selbsthelfer.selfservice.core.orders import ActivateSim, ChangeBankAccount, Order
from selbsthelfer.selfservice.core.receipt_numbers import RECEIPT_NUMBER
from selbsthelfer.selfservice.core.records import Bill, BillLine, BillLineKind

CHECKS: dict[str, Callable[[str], object]] = {
    "iban": checked_iban,
    "account_holder": checked_name,
    "postcode": checked_postcode,
    "to": checked_phone,
    "iccid": checked_iccid,
    "code": checked_activation_code,
}
IBAN = "DE89370400440532013000"

numbers = st.integers(0, (1 << RECEIPT_NUMBER.bits) - 1)


@given(numbers)
def test_a_number_is_read_however_it_is_written(chance: int) -> None:
    number = RECEIPT_NUMBER.written(chance)
    look_alikes = number.replace("0", "o").replace("1", "l")
    for typed in (number, number.lower(), number.replace("-", ""), f"  {number[2:]} ", look_alikes):
        assert RECEIPT_NUMBER.read(typed) == number


@given(numbers, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_wrong_sign_is_always_found(chance: int, place: int, sign: str) -> None:
    signs = RECEIPT_NUMBER.written(chance)[2:].replace("-", "")
    if signs[place] == sign:
        return
    with pytest.raises(BrokenNumberError):
        RECEIPT_NUMBER.read(signs[:place] + sign + signs[place + 1 :])


@given(numbers, st.integers(0, 10))
def test_two_swapped_signs_are_found_but_for_the_first_and_the_last_of_the_alphabet(
    chance: int, place: int
) -> None:
    signs = RECEIPT_NUMBER.written(chance)[2:].replace("-", "")
    pair = signs[place : place + 2]
    if pair[0] == pair[1] or set(pair) == {"0", "Z"}:
        return
    with pytest.raises(BrokenNumberError):
        RECEIPT_NUMBER.read(signs[:place] + pair[::-1] + signs[place + 2 :])


@given(numbers, numbers)
def test_different_chance_gives_different_numbers(one: int, other: int) -> None:
    assert (RECEIPT_NUMBER.written(one) == RECEIPT_NUMBER.written(other)) == (one == other)


@given(st.text(max_size=60))
def test_any_other_text_is_no_number(text: str) -> None:
    try:
        read = RECEIPT_NUMBER.read(text)
    except BrokenNumberError:
        return
    assert RECEIPT_NUMBER.read(read) == read


@pytest.mark.parametrize("text", ["", "Q", "Q-", "F-0000-0000-0000", "0" * 10_000, "Q-0000-0000-000U"])
def test_broken_numbers(text: str) -> None:
    with pytest.raises(BrokenNumberError):
        RECEIPT_NUMBER.read(text)


def test_a_number_has_as_much_chance_as_it_says() -> None:
    kind = NumberKind("F", 8)
    assert kind.bits == 35
    assert kind.written((1 << 35) - 1).startswith("F-ZZZZ-ZZZ")
    with pytest.raises(ValueError, match="35 bits"):
        kind.written(1 << 35)


@pytest.mark.parametrize("field", CHECKS)
@given(text=st.text(max_size=200))
def test_a_check_gives_one_true_form_or_a_sentence(field: str, text: str) -> None:
    check = CHECKS[field]
    refused = None
    try:
        checked = check(text)
    except WrongInputError as error:
        refused = error
    if refused is None:
        assert check(str(checked)) == checked
    else:
        assert refused.field == field
        assert refused.reason.de
        assert refused.reason.en
        assert refused.reason.de != refused.reason.en


@given(st.integers(0, 10**10 - 1), st.integers(4, 21), st.integers(1, 9))
def test_one_wrong_digit_of_an_iban_is_found(account: int, place: int, added: int) -> None:
    body = f"37040044{account:010d}"
    iban = f"DE{98 - int(f'{body}131400') % 97:02d}{body}"
    assert checked_iban(" ".join(iban[start : start + 4] for start in range(0, 22, 4))) == iban
    wrong = iban[:place] + str((int(iban[place]) + added) % 10) + iban[place + 1 :]
    with pytest.raises(WrongInputError):
        checked_iban(wrong)


@pytest.mark.parametrize(
    "typed", ["FR1420041010050500013M02606", "AT611904300234573201", "CH9300762011623852957"]
)
def test_accounts_of_the_sepa_area_will_do(typed: str) -> None:
    assert checked_iban(typed.lower()) == typed


def test_accounts_elsewhere_will_not() -> None:
    with pytest.raises(WrongInputError) as refused:
        checked_iban("TR330006100519786457841326")
    assert "SEPA" in refused.value.reason.de


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(2, 17), st.integers(1, 9))
def test_one_wrong_digit_of_a_sim_number_is_found(digits: str, place: int, added: int) -> None:
    body = f"89{digits[2:]}"
    iccid = f"{body}{luhn_digit(body)}"
    assert checked_iccid(iccid) == iccid
    with pytest.raises(WrongInputError):
        checked_iccid(iccid[:place] + str((int(iccid[place]) + added) % 10) + iccid[place + 1 :])


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0221 4710123", "+492214710123"),
        ("+49 (0)221 / 4710123", "+492214710123"),
        ("0049 221 4710123", "+492214710123"),
        ("+43 1 5880012", "+4315880012"),
        ("0171-3920042", "+491713920042"),
    ],
)
def test_phone_numbers_are_brought_into_one_form(typed: str, number: str) -> None:
    assert checked_phone(typed) == number


@pytest.mark.parametrize("typed", ["", "110", "112", "116116", "ruf mich an", "+49", "0" * 500])
def test_what_cannot_be_called_from_anywhere_is_no_phone_number(typed: str) -> None:
    with pytest.raises(WrongInputError):
        checked_phone(typed)


@pytest.mark.parametrize("typed", ["01066", "99999", "00000", "5066", "506677", "5066a", "٥٠٦٦٧", ""])
def test_postcodes_that_do_not_exist(typed: str) -> None:
    with pytest.raises(WrongInputError):
        checked_postcode(typed)


@pytest.mark.parametrize("typed", ["01067", "99998", " 50667 "])
def test_postcodes_that_may_exist(typed: str) -> None:
    assert checked_postcode(typed) == typed.strip()


@pytest.mark.parametrize("house_number", ["1", "12a", "12 A", "3-5", "3 – 5b", "17/2"])
def test_house_numbers_of_all_sorts(house_number: str) -> None:
    address = checked_address(street="  Am  Anger ", house_number=house_number, postcode="50667", city="Köln")
    assert (address.street, address.house_number) == ("Am Anger", house_number)


@pytest.mark.parametrize(
    ("field", "value"),
    [("street", ""), ("street", "12"), ("street", "x" * 101), ("house_number", ""), ("house_number", "a"),
     ("city", "K"), ("city", "Köln 1"), ("postcode", "1"), ("addition", "x" * 101)],
)  # fmt: skip
def test_the_part_of_an_address_that_is_wrong_is_named(field: str, value: str) -> None:
    parts = {"street": "Rosenweg", "house_number": "7", "postcode": "50667", "city": "Köln", "addition": ""}
    with pytest.raises(WrongInputError) as refused:
        checked_address(**{**parts, field: value})
    assert refused.value.field == field


def test_a_masked_iban_is_known_again_and_gives_nothing_away() -> None:
    assert masked_iban(IBAN) == "DE89 •••• 3000"


def test_receipts_tell_no_secret() -> None:
    told = str(
        [details_of(order) for order in (ChangeBankAccount(IBAN, "Lena"), ActivateSim("89490", "471199"))]
    )
    assert IBAN not in told
    assert "471199" not in told


def made_orders() -> st.SearchStrategy[Order]:
    return st.one_of([st.from_type(kind) for kind in ORDER_KINDS.values()])


@given(made_orders())
def test_an_order_is_the_same_after_being_kept(order: Order) -> None:
    assert order_of_plain(order.activity, order_as_plain(order)) == order


amounts = st.integers(-500, 5_000)
lines = st.builds(
    lambda kind, name, cents: BillLine(kind, Words(name, name), "1", cents, Words("", "")),
    st.sampled_from(BillLineKind), st.sampled_from("abc"), amounts,
)  # fmt: skip
bills = st.lists(lines, max_size=8).map(lambda found: Bill("R", *[None] * 4, tuple(found)))  # type: ignore[arg-type]


@given(bills, bills)
def test_the_differences_of_the_lines_are_the_difference_of_the_bills(bill: Bill, previous: Bill) -> None:
    explained = bill_explained(bill, previous)
    assert sum(line.difference_cents for line in explained) == bill.total_cents - previous.total_cents
    shown = [line for line in explained if line.change is not LineChange.GONE]
    assert [line.line for line in shown] == list(bill.lines)
    assert all(line.told is not None for line in explained)


@given(bills)
def test_a_bill_beside_itself_has_not_changed(bill: Bill) -> None:
    assert {line.change for line in bill_explained(bill, bill)} <= {LineChange.SAME}


def test_a_first_bill_is_compared_with_nothing() -> None:
    bill = Bill("R", *[None] * 4, (BillLine(BillLineKind.BASE, Words("M", "M"), "1", 5, Words("", "")),))  # type: ignore[arg-type]
    (explained,) = bill_explained(bill, None)
    assert (explained.change, explained.told) == (None, None)


@given(st.integers(-10_000_000, 10_000_000))
def test_the_tax_within_a_sum_is_nineteen_parts_of_its_119(cents: int) -> None:
    assert abs(vat_within(cents) * 119 - cents * 19) * 2 <= 119
    assert vat_within(-cents) == -vat_within(cents)
