"""A made-up household for a line that the embedded back end meets for the first time: the same for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final
from uuid import UUID

from selbsthelfer.selfservice.core.checking import luhn_digit

FIRST_NAMES: Final = (
    "Anna", "Ayşe", "Bernd", "Claudia", "Emre", "Fatima", "Georg", "Hannah", "Ines", "Jonas", "Katarzyna",
    "Lena", "Mehmet", "Miriam", "Nadine", "Oskar", "Paula", "Ruth", "Sven", "Tarek", "Ursula", "Viktor",
    "Wanda", "Zoë",
)  # fmt: skip
LAST_NAMES: Final = (
    "Ackermann", "Becker", "Çelik", "Dietrich", "Engel", "Fischer", "Groß", "Hoffmann", "Issa", "Jansen",
    "Kowalski", "Lindner", "Müller", "Nowak", "Öztürk", "Peters", "Richter", "Sommer", "Thiele", "Vogel",
)  # fmt: skip
STREETS: Final = (
    "Ahornweg", "Am Anger", "Bachstraße", "Gartenstraße", "Hauptstraße", "Kirchgasse", "Lindenallee",
    "Mühlenweg", "Rosenweg", "Schillerstraße", "Uferstraße", "Wiesengrund",
)  # fmt: skip
CITIES: Final = (
    ("10437", "Berlin"), ("20357", "Hamburg"), ("50667", "Köln"), ("60316", "Frankfurt am Main"),
    ("80331", "München"), ("04109", "Leipzig"), ("18055", "Rostock"), ("48143", "Münster"),
    ("70173", "Stuttgart"), ("99084", "Erfurt"), ("24103", "Kiel"), ("90402", "Nürnberg"),
)  # fmt: skip
BANK: Final = "99990000"
"""No bank code begins with 9, so that no account made up here is anybody's."""
ISSUER: Final = "894999"
"""Begins the number of every SIM; no German operator has 99."""


@dataclass(frozen=True, slots=True)
class Household:
    """Who uses a line, and since when; the IBAN has a right checksum and no bank behind it."""

    name: str
    customer_number: str
    customer_code: str
    street: str
    house_number: str
    postcode: str
    city: str
    iban: str
    contract_number: str
    began_on: date
    is_paperless: bool
    is_roaming_on: bool


@dataclass(frozen=True, slots=True)
class MadeSim:
    """The number of a SIM with its codes."""

    iccid: str
    pin: str
    puk: str
    code: str


def household_of(subscriber_id: UUID, *, registered_on: date) -> Household:
    """Make up the household of a line, by its id alone."""
    chance = _chance(subscriber_id, "household")
    name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    postcode, city = chance.choice(CITIES)
    return Household(
        name=name,
        customer_number=_digits(chance, 9),
        customer_code=_digits(chance, 4),
        street=chance.choice(STREETS),
        house_number=str(chance.randint(1, 120)),
        postcode=postcode,
        city=city,
        iban=_iban(chance),
        contract_number=f"MF-{_digits(chance, 8)}",
        began_on=registered_on - timedelta(days=chance.randint(120, 1_400)),
        is_paperless=False,
        is_roaming_on=chance.random() < 0.9,
    )


def made_sim(subscriber_id: UUID, ordinal: int) -> MadeSim:
    """Make up a SIM of a line: the first one has ordinal 1."""
    chance = _chance(subscriber_id, f"sim/{ordinal}")
    body = f"{ISSUER}{_digits(chance, 12)}"
    return MadeSim(
        iccid=f"{body}{luhn_digit(body)}",
        pin=_digits(chance, 4),
        puk=_digits(chance, 8),
        code=_digits(chance, 6),
    )


def _chance(subscriber_id: UUID, what: str) -> Random:
    return Random(f"{subscriber_id}/{what}")  # noqa: S311 - it makes a household up, it guards nothing


def _digits(chance: Random, count: int) -> str:
    return "".join(str(chance.randrange(10)) for _ in range(count))


def _iban(chance: Random) -> str:
    """Make up an IBAN. Source of the checksum: ISO 13616, remainder 1 modulo 97."""
    account = f"{BANK}{_digits(chance, 10)}"
    check = 98 - int(f"{account}131400") % 97
    return f"DE{check:02d}{account}"
