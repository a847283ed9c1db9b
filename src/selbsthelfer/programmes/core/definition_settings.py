"""Every setting of a programme: what it may be, what it is when not written, and what contradicts it.

The defaults are those of the preset `o2-2017`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.programmes.core.definition_kinds import (
    Choice,
    Flag,
    Instant,
    OneOf,
    Share,
    Text,
    Volume,
    Whole,
)
from selbsthelfer.programmes.core.definition_report import Report
from selbsthelfer.programmes.core.definition_tables import ByName, Collection, Need, Setting, Table, Tables
from selbsthelfer.programmes.core.definition_values import (
    Eligibility,
    Exemptions,
    Join,
    MissedStageRule,
    ReleaseRule,
    StageTerms,
    Title,
)

MAX_STAGES: Final = 12
MAX_PERIODS_PER_STAGE: Final = 12
MAX_INDEX: Final = 60
"""Five years of monthly periods: the most that an enrolment may last."""
MAX_LINE_BYTES: Final = 10**12
"""The most that one tranche, or all grants of one enrolment, may be: 1 TB."""
MAX_BUDGET_BYTES: Final = 10**18
MAX_COUNT: Final = 1_000
MAX_HOURS: Final = 8_760
MAX_DAYS: Final = 3_650
MAX_TENURE_DAYS: Final = 36_500
MAX_SECONDS: Final = 86_400
MAX_CHANNELS: Final = 50
MAX_TARIFFS: Final = 200

_TITLE = Table(
    {"de": Setting(Text(100), "in German"), "en": Setting(Text(100), "in English")},
    Title,
)
_STAGE = Table(
    {"bytes": Setting(Volume(0, MAX_LINE_BYTES), "volume for each period of the window that follows")},
    StageTerms,
)
_ELIGIBLE = Table(
    {
        "tariffs": Setting(Collection(Text(100), MAX_TARIFFS), "tariffs that may take part; empty: all", []),
        "tenure_days_min": Setting(Whole(0, MAX_TENURE_DAYS), "days a line must have existed", 0),
        "unlimited": Setting(Flag(), "whether lines with unlimited volume may take part", False),
    },
    Eligibility,
)
_ACTIVITIES = Collection(OneOf(frozenset(CATALOGUE), "activity"), len(CATALOGUE))

SETTINGS: Final = Table(
    {
        "name": Setting(Text(100, plain=True), "the name that facts and commands use"),
        "title": Setting(_TITLE, "the name that people read"),
        "stages": Setting(
            Tables(_STAGE, 1, MAX_STAGES),
            "the stages in order; the volume belongs to the level of the same number",
            [{"bytes": 100_000_000}, {"bytes": 200_000_000}, {"bytes": 300_000_000}],
        ),
        "periods_per_stage": Setting(Whole(1, MAX_PERIODS_PER_STAGE), "billing periods in a window", 3),
        "activities_min": Setting(Whole(0, MAX_COUNT), "counting activities that pass a stage", 1),
        "contacts_max": Setting(Whole(0, MAX_COUNT), "counting contacts that a passed stage may have", 0),
        "settle_delay_hours": Setting(Whole(0, MAX_HOURS), "hours that facts may come late to a window", 24),
        "close_after_days": Setting(
            Whole(0, MAX_DAYS), "days after the last period until nothing changes", 90
        ),
        "channels": Setting(
            Collection(Text(100, plain=True), MAX_CHANNELS), "channels whose contacts may count", ["hotline"]
        ),
        "talk_seconds_min": Setting(Whole(0, MAX_SECONDS), "shortest talk that may count", 30),
        "exemptions": Setting(Choice(Exemptions), "whether unavoidable contacts are left out", "fair"),
        "goodwill_contacts": Setting(Whole(0, MAX_COUNT), "contacts forgiven in each window", 0),
        "on_missed_stage": Setting(Choice(MissedStageRule), "how a missed stage changes levels", "calendar"),
        "release": Setting(Choice(ReleaseRule), "what releases a tranche", "activity"),
        "cap_bytes": Setting(Volume(1, MAX_LINE_BYTES), "most volume for one enrolment", 1_800_000_000),
        "budget_bytes": Setting(
            Volume(1, MAX_BUDGET_BYTES), "most volume for the whole programme; none: no limit", Need.ABSENT
        ),
        "not_online": Setting(
            ByName(_ACTIVITIES, MAX_TARIFFS), "for a tariff, the activities its lines cannot do online", {}
        ),
        "eligible": Setting(_ELIGIBLE, "which lines may take part", {}),
        "enrol_from": Setting(Instant(), "first instant of enrolling; none: at once", Need.ABSENT),
        "enrol_until": Setting(Instant(), "instant at which enrolling ends; none: never", Need.ABSENT),
        "join": Setting(Choice(Join), "whether everybody may enrol or only who is invited", "open"),
        "control_share": Setting(Share(), "share of lines kept apart for measuring", 0),
        "salt": Setting(Text(200, empty=True), "secret text from which variants are drawn", ""),
    },
    dict,
)


def note_contradictions(values: Mapping[str, Any], report: Report) -> None:
    """Note settings that are sound alone and not together; a cap below one tranche is allowed and cuts it."""
    stages, periods = values["stages"], values["periods_per_stage"]
    if stages and periods and (len(stages) + 1) * periods > MAX_INDEX:
        problem = f"is too many: stages and one more, times this, must be at most {MAX_INDEX} periods"
        report.add(("periods_per_stage",), problem, near=("stages",))
    enrol_from, enrol_until = values["enrol_from"], values["enrol_until"]
    if enrol_from and enrol_until and enrol_until <= enrol_from:
        report.add(("enrol_until",), "must be after enrol_from")
    cap, budget = values["cap_bytes"], values["budget_bytes"]
    if cap and budget and budget < cap:
        report.add(("budget_bytes",), f"must be at least cap_bytes ({cap}), or nobody could enrol")
    if values["control_share"] and values["salt"] == "":
        report.add(("salt",), "is needed when control_share is above 0", near=("control_share",))
