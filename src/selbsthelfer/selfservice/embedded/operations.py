"""Keep the embedded back end's lines, bills, faults and outages."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from django.db import transaction

from selbsthelfer.intake.core.facts import Changed, SubscriberChanged
from selbsthelfer.intake.operations import Terms as IntakeTerms
from selbsthelfer.intake.operations import accept
from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.records import OptionOffer, TariffOffer
from selbsthelfer.selfservice.embedded.households import household_of, made_sim
from selbsthelfer.selfservice.embedded.models import (
    EmbeddedBill,
    EmbeddedFault,
    EmbeddedLine,
    EmbeddedOutage,
    EmbeddedSim,
)
from selbsthelfer.selfservice.embedded.offers import offers
from selbsthelfer.selfservice.embedded.using import Terms, bill_lines, connections
from selbsthelfer.subscribers.core.billing import period_bounds
from selbsthelfer.subscribers.core.lines import LineRef
from selbsthelfer.subscribers.queries import LineBilling, line_billings

_SQL = statements("selbsthelfer.selfservice")

MAX_KEPT_BILLS: Final = 14
"""Bills written for a line that is met for the first time."""
MAX_TARIFFS_TOLD: Final = 200
"""New tariffs told to intake in one go."""
EVERYTHING: Final = "everything"
"""The outage of all activities."""
SOURCE: Final = "/selbsthelfer/embedded-back-end"
DUE_DAYS: Final = 14
_BILLED_BACK: Final = timedelta(days=456)
"""Fifteen months, so that fourteen periods have ended."""


class UnknownToBackEndError(LookupError):
    """The line is not registered, so that the back end has nothing to go by."""

    code = "line_unknown"


class LineFacts(NamedTuple):
    """What is registered of a line and the back end goes by."""

    timezone: str
    msisdn: str | None
    tariff: str | None
    included_bytes: int | None
    registered_at: datetime


def facts_of_line(line: LineRef) -> LineFacts:
    """Read what is registered of a line; raises `UnknownToBackEndError`."""
    row = open_cursor().execute(_SQL["line_facts"], {"line": line.subscriber_id}).fetchone()
    if row is None:
        raise UnknownToBackEndError("no such line is registered")
    return LineFacts(*row)


def ensure_line(line: LineRef, *, now: datetime) -> EmbeddedLine:
    """Give a line that is met for the first time a household, a SIM and switches; else return it as it is."""
    known = EmbeddedLine.objects.filter(pk=line.subscriber_id).first()
    if known is not None:
        return known
    with transaction.atomic():
        facts = facts_of_line(line)
        registered_on = facts.registered_at.astimezone(ZoneInfo(facts.timezone)).date()
        home = household_of(line.subscriber_id, registered_on=registered_on)
        tariff = offers().tariff_of(facts.tariff, facts.included_bytes)
        row, is_new = EmbeddedLine.objects.get_or_create(
            subscriber_id=line.subscriber_id,
            defaults={
                "name": home.name,
                "customer_number": home.customer_number,
                "customer_code": home.customer_code,
                "street": home.street,
                "house_number": home.house_number,
                "postcode": home.postcode,
                "city": home.city,
                "iban": home.iban,
                "account_holder": home.name,
                "contract_number": home.contract_number,
                "began_on": home.began_on,
                "tariffs": [[tariff.id, None]],
                "is_paperless": home.is_paperless,
                "is_roaming_on": home.is_roaming_on,
                "met_at": now,
            },
        )
        if is_new:
            _make_sim(line, ordinal=1, state="active", since=min(facts.registered_at, now), is_esim=False)
    return row


def order_sim(line: LineRef, *, is_esim: bool, now: datetime) -> str:
    """Make another SIM that is on its way, inside the running transaction; return its number."""
    ordinal = EmbeddedSim.objects.filter(subscriber_id=line.subscriber_id).count() + 1
    return _make_sim(line, ordinal=ordinal, state="ordered", since=now, is_esim=is_esim)


def _make_sim(line: LineRef, *, ordinal: int, state: str, since: datetime, is_esim: bool) -> str:
    made = made_sim(line.subscriber_id, ordinal)
    EmbeddedSim.objects.create(
        iccid=made.iccid,
        subscriber_id=line.subscriber_id,
        is_esim=is_esim,
        state=state,
        since=since,
        ordinal=ordinal,
        pin=made.pin,
        puk=made.puk,
        code=made.code,
    )
    return made.iccid


def tariff_at(row: EmbeddedLine, at: datetime) -> TariffOffer:
    """Tell which tariff holds at an instant."""
    held = [id_ for id_, from_at in row.tariffs if from_at is None or datetime.fromisoformat(from_at) <= at]
    return offers().tariffs[held[-1]]


def coming_tariff(row: EmbeddedLine, now: datetime) -> tuple[TariffOffer, datetime] | None:
    """Tell which tariff follows, and when."""
    id_, from_at = row.tariffs[-1]
    if from_at is None or datetime.fromisoformat(from_at) <= now:
        return None
    return offers().tariffs[id_], datetime.fromisoformat(from_at)


def options_within(row: EmbeddedLine, start: datetime, end: datetime) -> list[OptionOffer]:
    """List the options that are booked at some time of a stretch, in the order of the file."""
    booked = {
        id_
        for id_, from_at, until_at in row.options
        if datetime.fromisoformat(from_at) < end
        and (until_at is None or datetime.fromisoformat(until_at) > start)
    }
    return [offer for id_, offer in offers().options.items() if id_ in booked]


def terms_of_period(row: EmbeddedLine, start: datetime, end: datetime) -> Terms:
    """Tell what decides the price of a period, as the switches stand now."""
    return Terms(
        tariff_at(row, start),
        options_within(row, start, end),
        is_roaming_on=row.is_roaming_on,
        is_third_party_blocked=row.is_third_party_blocked,
    )


def billing_of(line: LineRef) -> LineBilling:
    """Read how a line is billed; raises `UnknownToBackEndError`."""
    billing = line_billings(open_cursor(), [line.subscriber_id]).get(line.subscriber_id)
    if billing is None:
        raise UnknownToBackEndError("no such line is registered")
    return billing


def write_bills(line: LineRef, *, now: datetime) -> EmbeddedLine:
    """Write the bills of the periods that have ended since the last one, at most `MAX_KEPT_BILLS`."""
    row = ensure_line(line, now=now)
    if row.next_bill_at is not None and now < row.next_bill_at:
        return row
    with transaction.atomic():
        row = EmbeddedLine.objects.select_for_update().get(pk=line.subscriber_id)
        billing = billing_of(line)
        ended, running_until = _bounds_to_bill(row, billing, now)
        zone = ZoneInfo(billing.timezone)
        EmbeddedBill.objects.bulk_create(
            [
                _bill(row, start, end, zone)
                for start, end in pairwise(ended)
                if end.astimezone(zone).date() > row.began_on
            ],
            ignore_conflicts=True,
        )
        row.billed_until, row.next_bill_at = ended[-1], running_until
        row.save(update_fields=["billed_until", "next_bill_at"])
    return row


def _bounds_to_bill(
    row: EmbeddedLine, billing: LineBilling, now: datetime
) -> tuple[list[datetime], datetime]:
    """List the boundaries of the newest ended periods without a bill, and where the running one ends."""
    since = row.billed_until or now - _BILLED_BACK
    *bounds, running_until = period_bounds(billing.calendar, containing=since, until=now)
    if row.billed_until is not None:
        bounds = [bound for bound in bounds if bound >= row.billed_until] or [row.billed_until]
    return bounds[-MAX_KEPT_BILLS - 1 :], running_until


def _bill(row: EmbeddedLine, start: datetime, end: datetime, zone: ZoneInfo) -> EmbeddedBill:
    terms = terms_of_period(row, start, end)
    used = connections(row.subscriber_id, start, end, terms, until=end)
    issued_on = end.astimezone(zone).date()
    first_on = start.astimezone(zone).date()
    return EmbeddedBill(
        subscriber_id=row.subscriber_id,
        number=f"R{first_on:%Y%m%d}-{row.customer_number}",
        issued_on=issued_on,
        first_on=first_on,
        last_on=issued_on - timedelta(days=1),
        due_on=issued_on + timedelta(days=DUE_DAYS),
        lines=msgspec.to_builtins(bill_lines(row.subscriber_id, start, terms, used)),
        records=msgspec.to_builtins([connection.record for connection in used]),
    )


def tell_new_tariff(line: LineRef, *, now: datetime) -> None:
    """Report a tariff that has begun to intake, as an operator's systems would; once."""
    with transaction.atomic():
        row = EmbeddedLine.objects.select_for_update().get(pk=line.subscriber_id)
        began_at = row.tariff_to_tell_at
        if began_at is None or began_at > now:
            return
        tariff = tariff_at(row, now)
        row.tariff_to_tell_at = None
        row.save(update_fields=["tariff_to_tell_at"])
        fact = SubscriberChanged(
            id=f"tariff/{began_at.isoformat()}",
            source=SOURCE,
            time=began_at,
            subject=line.subject,
            data=Changed(tariff=tariff.id, included_bytes=tariff.included_bytes),
        )
        accept([fact], terms=IntakeTerms(now=now))


def tell_new_tariffs(*, now: datetime) -> int:
    """Report every tariff that has begun, at most `MAX_TARIFFS_TOLD`; return how many."""
    with transaction.atomic():
        parameters = {"now": now, "limit": MAX_TARIFFS_TOLD}
        lines = [LineRef(*row) for row in open_cursor().execute(_SQL["tariffs_to_tell"], parameters)]
    for line in lines:
        tell_new_tariff(line, now=now)
    return len(lines)


def begin_outage(activity: str | None, *, now: datetime, until: datetime) -> None:
    """Make the back end unreachable for an activity, or for everything."""
    EmbeddedOutage.objects.update_or_create(
        activity=activity or EVERYTHING, defaults={"began_at": now, "until_at": until}
    )


def end_outage(activity: str | None) -> None:
    """Make the back end reachable again."""
    EmbeddedOutage.objects.filter(activity=activity or EVERYTHING).delete()


def begin_fault(
    number: str,
    *,
    postcode_start: str,
    place: str,
    what: Words,
    now: datetime,
    expected_at: datetime | None = None,
) -> None:
    """Make a fault of the network known wherever the postcode begins so; once per number."""
    EmbeddedFault.objects.get_or_create(
        number=number,
        defaults={
            "postcode_start": postcode_start,
            "place": place,
            "what_de": what.de,
            "what_en": what.en,
            "began_at": now,
            "expected_at": expected_at,
        },
    )


def repair_fault(number: str, *, now: datetime) -> None:
    """Say that a fault of the network is over."""
    EmbeddedFault.objects.filter(number=number, repaired_at__isnull=True).update(repaired_at=now)
