"""What the made-up operator is like. Every value is a setting; the comment says where it comes from.

Sources: McKinsey and Oliver Wyman 2013 for the rate of contacts, the operator's log of 1999 for how calls
concentrate and repeat. A value marked *assumed* has no source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass

MONTH_DAYS: Final = 30.4375
"""Days in a mean month: the unit of every monthly rate."""
GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """A made-up tariff; `included_bytes` per billing period, none means unlimited."""

    id: str
    included_bytes: int | None
    weight: int


PREPAID_TARIFFS: Final = (
    Tariff("musterfunk-karte-m", 1_500_000_000, 12),
    Tariff("musterfunk-karte-l", 3_000_000_000, 6),
)
CONTRACT_TARIFFS: Final = (
    Tariff("musterfunk-s", 1_000_000_000, 20),
    Tariff("musterfunk-m", 3_000_000_000, 32),
    Tariff("musterfunk-l", 6_000_000_000, 20),
    Tariff("musterfunk-xl", 12_000_000_000, 8),
)
UNLIMITED_TARIFF: Final = Tariff("musterfunk-grenzenlos", None, 2)
"""More volume is worth nothing in it, so its lines are not enrolled."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The rates and shares by which lines live; a month has `MONTH_DAYS` days."""

    hotline_contacts_per_month: float = 0.12  # sourced: 6 % of the base a month, 2.5 a year
    frailty_shape: float = 0.6  # assumed: the shape of the gamma that spreads contacts over lines
    frequent_share: float = 0.01  # assumed, after the log of 1999
    frequent_multiple: float = 15.0  # mean of a log-normal
    repeat_share: float = 0.25  # sourced: contacts followed by another within seven days
    abandoned_share: float = 0.12  # assumed: contacts after an attempt that was given up
    chats_per_month: float = 0.03  # assumed, as are the next three
    shop_visits_per_month: float = 0.012
    outbound_per_month: float = 0.012
    campaign_replies_per_month: float = 0.004
    callback_share: float = 0.03
    uptake: float = 0.25  # assumed: invited lines that use self-service keenly
    habit: float = 0.08  # assumed: the same among lines that are not invited
    devoted_share: float = 0.4  # assumed: keen lines with something to do online in every period
    keen_activities: tuple[float, float] = (1.2, 2.6)  # assumed: least and most mean number in a period
    seldom_activities: float = 0.3  # assumed: mean number in a period
    failed_share: float = 0.07  # assumed: activities that fail
    failed_then_call_share: float = 0.3  # assumed
    effects: tuple[float, ...] = (0.06, 0.05, 0.04)  # assumed: contacts avoided in each stage
    postponed_share: float = 0.2  # assumed: avoided contacts that come later all the same
    churn_per_month: float = 0.012  # assumed
    withdrawals_per_month: float = 0.002  # assumed, as are the rates below
    billing_day_changes_per_month: float = 0.003
    tariff_changes_per_month: float = 0.006
    suspensions_per_month: float = 0.001
    newcomer_share: float = 0.12  # lines that joined during the last eleven months: they replace churned ones
    prepaid_share: float = 0.18  # assumed
    unlimited_share: float = 0.025  # assumed
    control_share: Decimal = Decimal("0.1")  # held out, never told, measured
    salt: str = "musterfunk-demo"
    crisis_callers: float = 0.05  # assumed: lines that call because of the outage


DEFAULTS: Final = Parameters()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why people contact the operator: its share, and the topics it shows as, with their weights."""

    share: int
    topics: Mapping[str, int]


CAUSES: Final[Mapping[str, Cause]] = MappingProxyType(
    {
        "bill and payment": Cause(
            33,
            {
                "bill.explain": 31, "bill.view": 15, "bill.iban": 10, "bill.itemised": 6, "bill.paperless": 4,
                "bill.thirdparty": 4, "bill.budget": 2, "objection": 20, "bill.object": 4, "complaint": 4,
            },
        ),
        "tariff": Cause(
            17,
            {
                "con.view": 32, "use.autotopup": 15, "acc.address": 8, "con.change": 17, "con.option": 10,
                "cancellation": 11, "porting": 4, "presales": 3,
            },
        ),
        "network": Cause(
            14, {"net.diagnose": 25, "net.report": 20, "net.status": 18, "fault": 34, "complaint": 3}
        ),
        "device, SIM": Cause(
            12,
            {
                "sim.puk": 22, "sim.activate": 22, "sim.replace": 15, "sim.unblock": 12, "call.voicemail": 9,
                "call.forward": 7, "call.block": 3, "loss": 10,
            },
        ),
        "usage, roaming": Cause(
            10, {"use.view": 40, "roam.info": 22, "roam.switch": 22, "use.topup": 10, "third_party": 6}
        ),
        "access": Cause(
            8,
            {
                "acc.password": 50, "acc.register": 20, "acc.2fa": 12, "acc.contact": 10, "identity": 5,
                "third_party": 3,
            },
        ),
        "other": Cause(
            6,
            {
                "help.article": 36, "programme": 18, "privacy": 10, "third_party": 8, "complaint": 8,
                "hardship": 4, "accessibility": 4, "priv.export": 3, "unclassified": 9,
            },
        ),
    }
)  # fmt: skip
"""Causes by name with their share of contacts in percent (billing sourced, the rest assumed)."""

OUTAGE_TOPICS: Final = ("fault", "net.status", "net.report", "net.diagnose")
"""What people call about when the network is gone, and what the crisis is declared for."""

ACTIVITIES: Final[Mapping[str, float]] = MappingProxyType(
    {
        "use.view": 30, "bill.view": 22, "bill.explain": 6, "con.view": 6, "net.status": 5, "roam.info": 5,
        "help.article": 6, "sim.puk": 2, "acc.password": 3, "acc.contact": 1, "call.forward": 2,
        "call.voicemail": 2, "call.block": 1, "roam.switch": 3, "bill.paperless": 2, "bill.itemised": 2,
        "acc.register": 2, "acc.2fa": 1, "net.diagnose": 2, "use.autotopup": 2, "acc.lang": 1,
        "con.option": 1, "priv.consents": 0.5,
    }
)  # fmt: skip
"""What people do online unasked, with weights; assumed."""


def is_solvable_online(topic: str) -> bool:
    """Tell whether self-service could have solved a topic, and is meant to."""
    activity = CATALOGUE.get(topic)
    return activity is not None and activity.online and activity.counting_class is not CountingClass.NEVER


def topic_weights() -> Mapping[str, float]:
    """Weigh every topic by its share of all contacts; the weights add up to 1."""
    weights: dict[str, float] = {}
    for cause in CAUSES.values():
        total = sum(cause.topics.values())
        for topic, weight in cause.topics.items():
            weights[topic] = weights.get(topic, 0.0) + cause.share / 100 * weight / total
    return weights


def solvable_share() -> float:
    """Compute the share of contacts that could have been solved online (the default is 70 %)."""
    return sum(weight for topic, weight in topic_weights().items() if is_solvable_online(topic))
