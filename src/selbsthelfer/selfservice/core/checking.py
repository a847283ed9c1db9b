"""Check what a customer types, and bring it into its one true form."""

from __future__ import annotations

import re
from typing import ClassVar, Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.records import Address

MAX_NAME: Final = 100
"""Characters of a person's name, a street or a place."""
MAX_HOUSE_NUMBER: Final = 10
"""Characters of a house number, letters behind it included."""
MAX_TYPED: Final = 60
"""Characters of an IBAN, a phone number or a SIM's number as somebody types it."""
MAX_BARRED: Final = 50
"""Numbers that one line can bar."""
VOICEMAIL_SECONDS: Final = (5, 10, 15, 20, 25, 30)
"""After how many seconds a voicemail can answer."""
HOME: Final = "DE"
_GERMANY: Final = 49

_POSTCODE: Final = re.compile(r"[0-9]{5}")
_FIRST_POSTCODE, _LAST_POSTCODE = 1067, 99998
_HOUSE_NUMBER: Final = re.compile(r"[0-9]{1,5} ?[a-zA-Z]?( ?[-–/] ?[0-9]{1,5} ?[a-zA-Z]?)?")
_ICCID: Final = re.compile(r"89[0-9]{16,18}")
_CODE: Final = re.compile(r"[0-9]{4,12}")


class WrongInputError(ValueError):
    """What was typed cannot be right; `reason` says what to do, `field` where."""

    code: ClassVar[str] = "wrong_input"

    def __init__(self, field: str, german: str, english: str) -> None:
        self.field = field
        self.reason = Words(german, english)
        super().__init__(english)


def checked_iban(typed: str, *, field: str = "iban") -> str:
    """Bring an IBAN of the SEPA area into its short form, checksum checked; raises `WrongInputError`."""
    try:
        iban = IBAN(_short(typed))
        in_area = bool(iban.in_sepa_zone)
    except SchwiftyException as error:
        raise WrongInputError(
            field,
            "Diese IBAN stimmt nicht. Bitte vergleichen Sie sie Zeichen für Zeichen mit Ihrer Bankkarte.",
            "This IBAN is not right. Please compare it with your bank card, character by character.",
        ) from error
    if not in_area:
        raise WrongInputError(
            field,
            "Von einem Konto in diesem Land können wir nicht abbuchen. Möglich ist jedes Konto im SEPA-Raum.",
            "We cannot debit an account in this country. Any account in the SEPA area will do.",
        )
    return str(iban)


def masked_iban(iban: str) -> str:
    """Write an IBAN so that its owner knows it again and nobody else learns it."""
    return f"{iban[:4]} •••• {iban[-4:]}"


def checked_name(typed: str, *, field: str = "account_holder") -> str:
    """Bring a person's name into its one form; raises `WrongInputError`."""
    name = _tidy(typed)
    if len(name) < 2 or not any(character.isalpha() for character in name):
        raise WrongInputError(field, "Bitte geben Sie den Namen an.", "Please give the name.")
    return _within(name, MAX_NAME, field)


def checked_postcode(typed: str, *, field: str = "postcode") -> str:
    """Check a German postcode: five digits, 01067 to 99998; raises `WrongInputError`."""
    postcode = _tidy(typed)
    if not _POSTCODE.fullmatch(postcode) or not _FIRST_POSTCODE <= int(postcode) <= _LAST_POSTCODE:
        raise WrongInputError(
            field,
            "Bitte geben Sie eine deutsche Postleitzahl mit fünf Ziffern an, zum Beispiel 50667.",
            "Please give a German postcode with five digits, for example 50667.",
        )
    return postcode


def checked_address(
    *, street: str, house_number: str, postcode: str, city: str, addition: str = ""
) -> Address:
    """Check a postal address in Germany part by part; raises `WrongInputError`."""
    return Address(
        street=_checked_street(street),
        house_number=_checked_house_number(house_number),
        postcode=checked_postcode(postcode),
        city=_checked_city(city),
        addition=_within(_tidy(addition), MAX_NAME, "addition"),
    )


def checked_phone(typed: str, *, field: str = "to") -> str:
    """Bring a phone number into the form +49…; a number without a country is German.

    Raises `WrongInputError`.
    """
    try:
        number = phonenumbers.parse(_limited(typed), HOME)
    except NumberParseException:
        number = None
    if number is None or not _is_whole(number):
        raise WrongInputError(
            field,
            "Das ist keine Rufnummer. Bitte geben Sie sie mit Vorwahl an, zum Beispiel 0221 4710123.",
            "This is not a phone number. Please include the area code, for example 0221 4710123.",
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _is_whole(number: PhoneNumber) -> bool:
    """Tell whether a number can be called from anywhere; of other countries only its length is known well."""
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return False
    return number.country_code != _GERMANY or phonenumbers.is_valid_number(number)


def is_costly(number: str) -> bool:
    """Tell whether calls to a number in the form +49… may cost more than a usual call."""
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return kind in (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)


def shown_phone(number: str) -> str:
    """Write a number in the form +49… with the gaps that people read it by."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return number


def checked_iccid(typed: str, *, field: str = "iccid") -> str:
    """Check a SIM's number, its last digit by Luhn; raises `WrongInputError`."""
    iccid = _short(typed)
    if not _ICCID.fullmatch(iccid) or luhn_digit(iccid[:-1]) != int(iccid[-1]):
        raise WrongInputError(
            field,
            "Diese SIM-Kartennummer stimmt nicht. Sie steht auf der Karte, beginnt mit 89 und hat 18 bis 20 "
            "Ziffern.",
            "This SIM number is not right. It is printed on the card, begins with 89 and has 18 to 20 "
            "digits.",
        )
    return iccid


def checked_activation_code(typed: str, *, field: str = "code") -> str:
    """Check the look of the code that came with a SIM; raises `WrongInputError`."""
    code = _short(typed)
    if not _CODE.fullmatch(code):
        raise WrongInputError(
            field,
            "Der Aktivierungscode besteht nur aus Ziffern. Er steht im Brief zu Ihrer SIM.",
            "The activation code has digits only. It is in the letter that came with your SIM.",
        )
    return code


def luhn_digit(digits: str) -> int:
    """Compute the check digit behind a row of digits. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        weighted = int(digit) * (2 if place % 2 == 0 else 1)
        total += weighted // 10 + weighted % 10
    return -total % 10


def _checked_street(typed: str) -> str:
    street = _tidy(typed)
    if len(street) < 2 or not any(character.isalpha() for character in street):
        raise WrongInputError("street", "Bitte geben Sie die Straße an.", "Please give the street.")
    return _within(street, MAX_NAME, "street")


def _checked_house_number(typed: str) -> str:
    number = _tidy(typed)
    if len(number) > MAX_HOUSE_NUMBER or not _HOUSE_NUMBER.fullmatch(number):
        raise WrongInputError(
            "house_number",
            "Bitte geben Sie die Hausnummer an, zum Beispiel 12 oder 12a.",
            "Please give the house number, for example 12 or 12a.",
        )
    return number


def _checked_city(typed: str) -> str:
    city = _tidy(typed)
    if len(city) < 2 or any(character.isdigit() for character in city):
        raise WrongInputError("city", "Bitte geben Sie den Ort an.", "Please give the town.")
    return _within(city, MAX_NAME, "city")


def _within(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise WrongInputError(
            field, f"Bitte höchstens {limit} Zeichen.", f"Please use at most {limit} characters."
        )
    return text


def _tidy(typed: str) -> str:
    """Remove what nobody sees: control characters, and blanks at the ends and in rows."""
    return " ".join("".join(c if c.isprintable() else " " for c in typed).split())


def _short(typed: str) -> str:
    return re.sub(r"[\s\-–.]", "", _limited(typed)).upper()


def _limited(typed: str) -> str:
    """Cut what is longer than anything right, so that checking it costs nothing."""
    return _tidy(typed)[: MAX_TYPED + 1]
