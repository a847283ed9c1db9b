"""What a made-up household does in a billing period, and what its bill says for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final
from uuid import UUID

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.records import (
    BillLine,
    BillLineKind,
    ConnectionKind,
    ConnectionRecord,
    OptionOffer,
    TariffOffer,
)
from selbsthelfer.selfservice.embedded.offers import FREE_CALLS_OPTION, SWISS_OPTION

MIN_RECORDS, MAX_PERIOD_RECORDS = 30, 150
"""Connections that a household makes in one period."""

CALL_ABROAD_CENTS: Final = 49
"""For a minute from Germany to the United Kingdom."""
TEXT_ABROAD_CENTS: Final = 19
SWISS_CALL_CENTS, SWISS_TEXT_CENTS, SWISS_MEGABYTE_CENTS = 39, 19, 20

_AT_HOME: Final = ("+491713920", "+491760406", "+4930231", "+49699000", "+49406696", "+49221471", "+49899999")
"""How the fictional German numbers begin. Source: Bundesnetzagentur, notice 148/2021."""
_BRITISH: Final = "+447700900"
"""How the fictional British mobile numbers begin. Source: Ofcom, numbers for use in drama."""
_HIDDEN: Final = "xxx"
_MEGABYTE: Final = 1_000_000
_THIRD_PARTIES: Final = (
    (Words("Abo „Sternzeichen des Tages“", "Subscription “Star sign of the day”"), 499),
    (Words("Spielguthaben „Knobelkiste“", "Game credit “Puzzle box”"), 299),
    (Words("Klingeltöne „Klangwelt“", "Ringtones “World of sound”"), 399),
)


class Where(StrEnum):
    """From where and to where a connection was: what decides its price."""

    HOME = "home"
    ABROAD = "abroad"
    ROAMING = "roaming"


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection, and where it was."""

    record: ConnectionRecord
    where: Where


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides the price of a period: the tariff, the options, and two switches."""

    tariff: TariffOffer
    options: Sequence[OptionOffer]
    is_roaming_on: bool
    is_third_party_blocked: bool

    def has(self, option: str) -> bool:
        return any(offer.id == option for offer in self.options)


def connections(
    subscriber_id: UUID, start: datetime, end: datetime, terms: Terms, *, until: datetime
) -> list[Connection]:
    """Make up what a line did from `start` to before `until`, of the period that ends at `end`."""
    chance = Random(f"{subscriber_id}/use/{start.isoformat()}")  # noqa: S311 - made-up data
    span = int((end - start).total_seconds())
    trip_from = start + timedelta(seconds=chance.randrange(span))
    trip_days = chance.randint(2, 6) if chance.random() < 0.2 else 0
    trip_until = trip_from + timedelta(days=trip_days)
    moments = sorted(chance.randrange(span) for _ in range(chance.randint(MIN_RECORDS, MAX_PERIOD_RECORDS)))
    found = []
    for moment in moments:
        at = start + timedelta(seconds=moment)
        connection = _connection(chance, at, terms, is_away=trip_from <= at < trip_until)
        if at < until:
            found.append(connection)
    return found


def bill_lines(
    subscriber_id: UUID, start: datetime, terms: Terms, used: Sequence[Connection]
) -> tuple[BillLine, ...]:
    """List what a period costs: the tariff, the options, use beyond them, and what others charge."""
    tariff = terms.tariff
    lines = [
        BillLine(
            BillLineKind.BASE,
            tariff.name,
            "1",
            tariff.price_cents,
            Words(
                "Der Grundpreis Ihres Tarifs für diesen Zeitraum.",
                "The basic price of your tariff for this period.",
            ),
        )
    ]
    lines += [
        BillLine(
            BillLineKind.OPTION,
            option.name,
            "1",
            option.price_cents,
            Words(
                "Eine Option, die Sie gebucht haben. Sie können sie jederzeit abbestellen.",
                "An option that you have added. You can remove it at any time.",
            ),
        )
        for option in terms.options
    ]
    lines += _lines_of_use(used)
    if not terms.is_third_party_blocked:
        lines += _third_party_lines(subscriber_id, start)
    return tuple(lines)


def _connection(chance: Random, at: datetime, terms: Terms, *, is_away: bool) -> Connection:
    kind = chance.choices(list(ConnectionKind), (45, 15, 40))[0]
    where = Where.ROAMING if is_away else Where.HOME
    goes_abroad = chance.random() < 0.05
    seconds, size = chance.randint(5, 1_500), chance.randint(1, 90) * _MEGABYTE
    other = f"{chance.choice(_AT_HOME)}{chance.randrange(10)}{_HIDDEN}"
    if kind is ConnectionKind.DATA:
        if where is Where.ROAMING:
            size = size // 10 if terms.is_roaming_on else 0
        return _data(at, size, where, terms)
    if goes_abroad and where is Where.HOME:
        where, other = Where.ABROAD, f"{_BRITISH}{_HIDDEN}"
    is_call = kind is ConnectionKind.CALL
    amount = _price(is_call, seconds, where, terms)
    return Connection(ConnectionRecord(at, kind, other, seconds * is_call, 0, amount), where)


def _data(at: datetime, size: int, where: Where, terms: Terms) -> Connection:
    amount = 0
    if where is Where.ROAMING and not terms.has(SWISS_OPTION):
        amount = size // _MEGABYTE * SWISS_MEGABYTE_CENTS
    return Connection(ConnectionRecord(at, ConnectionKind.DATA, "", 0, size, amount), where)


def _price(is_call: bool, seconds: int, where: Where, terms: Terms) -> int:
    minutes = -(-seconds // 60)
    if where is Where.ABROAD and not (is_call and terms.has(FREE_CALLS_OPTION)):
        return minutes * CALL_ABROAD_CENTS if is_call else TEXT_ABROAD_CENTS
    if where is Where.ROAMING and not terms.has(SWISS_OPTION):
        return minutes * SWISS_CALL_CENTS if is_call else SWISS_TEXT_CENTS
    return 0


_USES: Final = (
    (
        Where.ABROAD,
        ConnectionKind.CALL,
        BillLineKind.USE,
        Words("Anrufe nach Großbritannien", "Calls to the United Kingdom"),
        Words(
            "Von Deutschland ins Ausland zu telefonieren ist nicht im Tarif enthalten: 0,49 € je Minute.",
            "Calls from Germany to other countries are not part of the tariff: €0.49 a minute.",
        ),
    ),
    (
        Where.ABROAD,
        ConnectionKind.TEXT,
        BillLineKind.USE,
        Words("SMS nach Großbritannien", "Texts to the United Kingdom"),
        Words(
            "SMS von Deutschland ins Ausland sind nicht im Tarif enthalten: 0,19 € je SMS.",
            "Texts from Germany to other countries are not part of the tariff: €0.19 each.",
        ),
    ),
    (
        Where.ROAMING,
        ConnectionKind.CALL,
        BillLineKind.ROAMING,
        Words("Anrufe in der Schweiz", "Calls in Switzerland"),
        Words(
            "Die Schweiz gehört nicht zur EU. Dort gelten die Preise für Roaming: 0,39 € je Minute.",
            "Switzerland is not in the EU. Roaming prices apply there: €0.39 a minute.",
        ),
    ),
    (
        Where.ROAMING,
        ConnectionKind.TEXT,
        BillLineKind.ROAMING,
        Words("SMS in der Schweiz", "Texts in Switzerland"),
        Words(
            "Die Schweiz gehört nicht zur EU. Dort gelten die Preise für Roaming: 0,19 € je SMS.",
            "Switzerland is not in the EU. Roaming prices apply there: €0.19 each.",
        ),
    ),
    (
        Where.ROAMING,
        ConnectionKind.DATA,
        BillLineKind.ROAMING,
        Words("Daten in der Schweiz", "Data in Switzerland"),
        Words(
            "Die Schweiz gehört nicht zur EU. Dort gelten die Preise für Roaming: 0,20 € je MB. Mit dem "
            "Schalter „Datenroaming“ können Sie das ausschließen.",
            "Switzerland is not in the EU. Roaming prices apply there: €0.20 per MB. You can rule this out "
            "with the switch “Data roaming”.",
        ),
    ),
)


def _lines_of_use(used: Sequence[Connection]) -> list[BillLine]:
    """Add up what costs extra, one line for each sort of it."""
    lines = []
    for where, kind, line_kind, name, explanation in _USES:
        charged = [
            c.record for c in used if c.where is where and c.record.kind is kind and c.record.amount_cents
        ]
        if charged:
            amount = sum(record.amount_cents for record in charged)
            lines.append(BillLine(line_kind, name, _quantity(kind, charged), amount, explanation))
    return lines


def _quantity(kind: ConnectionKind, charged: Sequence[ConnectionRecord]) -> str:
    if kind is ConnectionKind.CALL:
        return f"{sum(-(-record.seconds // 60) for record in charged)} min"
    if kind is ConnectionKind.DATA:
        return f"{sum(record.bytes for record in charged) // _MEGABYTE} MB"
    return f"{len(charged)} SMS"


def _third_party_lines(subscriber_id: UUID, start: datetime) -> list[BillLine]:
    """Charge a line in six for something of a third party, in two periods of three."""
    customer = Random(f"{subscriber_id}/third-party")  # noqa: S311 - made-up data
    if customer.random() >= 1 / 6:
        return []
    name, cents = customer.choice(_THIRD_PARTIES)
    period = Random(f"{subscriber_id}/third-party/{start.isoformat()}")  # noqa: S311 - made-up data
    if period.random() >= 2 / 3:
        return []
    explanation = Words(
        "Das hat nicht Musterfunk verkauft, sondern ein anderer Anbieter. Sie können dem widersprechen und "
        "Drittanbieter sperren.",
        "This was not sold by Musterfunk but by another provider. You can object to it and block third "
        "parties.",
    )
    return [BillLine(BillLineKind.THIRD_PARTY, name, "1", cents, explanation)]
