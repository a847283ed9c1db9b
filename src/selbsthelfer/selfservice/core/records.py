"""What an operator's back end knows about a line, as a page shows it. Money in integer euro cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from selbsthelfer.kit.wording import Words


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in Germany."""

    street: str
    house_number: str
    postcode: str
    city: str
    addition: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays for the line. `iban` is masked but for its ends; the whole of it never leaves the back end."""

    name: str
    customer_number: str
    address: Address
    iban: str
    account_holder: str
    is_paperless: bool


@dataclass(frozen=True, slots=True)
class TariffOffer:
    """A tariff that a line has or may have; `included_bytes` per billing period, none means unlimited."""

    id: str
    name: Words
    included_bytes: int | None
    price_cents: int
    facts: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionOffer:
    """An option that can be booked beside a tariff; `is_booked` tells whether the line has it."""

    id: str
    name: Words
    price_cents: int
    facts: tuple[Words, ...] = ()
    is_booked: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed for a line. A tariff that is to follow has the day on which it begins."""

    number: str
    tariff: TariffOffer
    options: tuple[OptionOffer, ...]
    began_on: date
    may_end_on: date
    notice_days: int
    next_tariff: TariffOffer | None = None
    next_tariff_from: date | None = None


class BillLineKind(StrEnum):
    """What a line of a bill is for."""

    BASE = "base"
    OPTION = "option"
    USE = "use"
    ROAMING = "roaming"
    THIRD_PARTY = "third_party"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill; `explanation` says in plain words what it is and why it is there."""

    kind: BillLineKind
    name: Words
    quantity: str
    amount_cents: int
    explanation: Words


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill for the days `first_on` to `last_on`, both included."""

    number: str
    issued_on: date
    first_on: date
    last_on: date
    due_on: date
    lines: tuple[BillLine, ...]

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


@dataclass(frozen=True, slots=True)
class CostSoFar:
    """What the running billing period has cost up to now, and when the back end counted it."""

    cents: int
    counted_at: datetime


class ConnectionKind(StrEnum):
    CALL = "call"
    TEXT = "text"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """A line of the itemised record; `other` is the other number, shortened by its last three digits."""

    started_at: datetime
    kind: ConnectionKind
    other: str
    seconds: int
    bytes: int
    amount_cents: int


class SimState(StrEnum):
    ORDERED = "ordered"
    ACTIVE = "active"
    BLOCKED = "blocked"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Sim:
    """A SIM of a line; `since` is when it got into its state."""

    iccid: str
    is_esim: bool
    state: SimState
    since: datetime


@dataclass(frozen=True, slots=True)
class SimSecrets:
    """The codes of a SIM; shown after a second proof only, and never kept by us."""

    iccid: str
    pin: str
    puk: str


class ForwardWhen(StrEnum):
    ALWAYS = "always"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Voicemail:
    """How the voicemail stands; it answers after `seconds`."""

    is_on: bool
    seconds: int
    tells_by_text: bool


@dataclass(frozen=True, slots=True)
class LineSettings:
    """The switches of a line. Forwarding names the number to which calls go."""

    forwarding: dict[ForwardWhen, str]
    voicemail: Voicemail
    barred_numbers: tuple[str, ...]
    is_roaming_on: bool
    is_automatic_top_up_on: bool
    is_third_party_blocked: bool


@dataclass(frozen=True, slots=True)
class RoamingPrice:
    """What use abroad costs in a zone, in euro cents."""

    zone: Words
    countries: tuple[Words, ...]
    call_cents_per_minute: int
    text_cents: int
    data_cents_per_megabyte: int
    note: Words


class FaultState(StrEnum):
    KNOWN = "known"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """A fault of the network; `place` is a postcode area in words, `expected_at` when it shall be over."""

    number: str
    place: str
    what: Words
    state: FaultState
    began_at: datetime
    expected_at: datetime | None
