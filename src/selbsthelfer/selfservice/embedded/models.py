"""What the embedded back end keeps: a stand-in for the systems of an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models

from selbsthelfer.kit.fields import Identifier


class EmbeddedLine(models.Model):
    """The customer, the contract and the switches of a line; the row is the lock of every order.

    `tariffs` lists each tariff with the instant from which it holds, a coming one last; `options` lists each
    option with the instants from and until which it is booked. Before `next_bill_at` no bill is to be
    written.
    """

    subscriber_id = models.UUIDField(primary_key=True)
    name = Identifier()
    customer_number = Identifier()
    customer_code = Identifier()
    street = Identifier()
    house_number = Identifier()
    postcode = Identifier()
    city = Identifier()
    addition = Identifier(default="")
    iban = Identifier()
    account_holder = Identifier()
    is_paperless = models.BooleanField(default=False)
    contract_number = Identifier()
    began_on = models.DateField()
    tariffs = models.JSONField()
    tariff_to_tell_at = models.DateTimeField(null=True)
    options = models.JSONField(default=list)
    forwarding = models.JSONField(default=dict)
    voicemail_on = models.BooleanField(default=True)
    voicemail_seconds = models.SmallIntegerField(default=20)
    voicemail_tells_by_text = models.BooleanField(default=True)
    barred_numbers = ArrayField(Identifier(), default=list)
    is_roaming_on = models.BooleanField(default=True)
    is_automatic_top_up_on = models.BooleanField(default=True)
    is_third_party_blocked = models.BooleanField(default=False)
    billed_until = models.DateTimeField(null=True)
    next_bill_at = models.DateTimeField(null=True)
    met_at = models.DateTimeField()

    if TYPE_CHECKING:
        is_out_of_reach: bool
        billing: str
        """Both set by `meeting.met_line` only."""

    class Meta:
        indexes = [
            models.Index(
                name="embedded_tariff_to_tell",
                fields=["tariff_to_tell_at"],
                condition=models.Q(tariff_to_tell_at__isnull=False),
            )
        ]


class EmbeddedSim(models.Model):
    """A SIM with its codes; `code` is what the letter says with which it came."""

    iccid = Identifier(primary_key=True)
    subscriber_id = models.UUIDField()
    is_esim = models.BooleanField()
    state = Identifier()
    since = models.DateTimeField()
    ordinal = models.SmallIntegerField()
    pin = Identifier()
    puk = Identifier()
    code = Identifier()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sim_state_known",
                condition=models.Q(state__in=["ordered", "active", "blocked", "replaced"]),
            ),
            models.UniqueConstraint(name="sim_counted_by_line", fields=["subscriber_id", "ordinal"]),
        ]


class EmbeddedBill(models.Model):
    """A bill with its lines and the connections that it is for; it never changes."""

    pk = models.CompositePrimaryKey("subscriber_id", "number")
    subscriber_id = models.UUIDField()
    number = Identifier()
    issued_on = models.DateField()
    first_on = models.DateField()
    last_on = models.DateField()
    due_on = models.DateField()
    lines = models.JSONField()
    records = models.JSONField()


class EmbeddedOrder(models.Model):
    """An order that was done, by its key: asked again, it is answered the same."""

    pk = models.CompositePrimaryKey("subscriber_id", "key")
    subscriber_id = models.UUIDField()
    key = Identifier()
    activity = Identifier()
    reference = Identifier()
    effective_on = models.DateField(null=True)
    done_at = models.DateTimeField()


class EmbeddedFault(models.Model):
    """A fault of the network wherever the postcode begins so."""

    number = Identifier(primary_key=True)
    postcode_start = Identifier()
    place = Identifier()
    what_de = Identifier()
    what_en = Identifier()
    began_at = models.DateTimeField()
    expected_at = models.DateTimeField(null=True)
    repaired_at = models.DateTimeField(null=True)


class EmbeddedOutage(models.Model):
    """While it lasts the back end cannot be reached for an activity, or for anything (`everything`)."""

    activity = Identifier(primary_key=True)
    began_at = models.DateTimeField()
    until_at = models.DateTimeField()
