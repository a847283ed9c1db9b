"""What is told of a line's rewards: each enrolment with its stages, tranches and grants, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping

from ninja import Schema
from pydantic import Field

from selbsthelfer.api.shapes.values import EXAMPLE_DIGEST, Instant, WordsOut
from selbsthelfer.programmes.core.decision import StageState
from selbsthelfer.programmes.core.grants import LedgerGrant
from selbsthelfer.programmes.core.wording_facts import (
    CountedActivity,
    Phase,
    ToldEnrolment,
    ToldStage,
    Tranche,
    TrancheState,
)
from selbsthelfer.programmes.core.wording_stages import is_to_do, next_step, stage_sentence
from selbsthelfer.programmes.core.wording_status import TrancheStatus, tranche_status
from selbsthelfer.programmes.core.wording_tranches import tranche_sentence
from selbsthelfer.programmes.explaining import Participation

Ledger = Mapping[tuple[str, int], LedgerGrant]
"""The grants of a line by programme and index."""


class ActivityOut(Schema):
    """The self-service activity that released a grant."""

    source: str = Field(description="The `source` of its fact.", examples=["/app"])
    id: str = Field(description="The `id` of its fact.", examples=["5f0c6f3e"])
    activity: str = Field(description="What was done, as in the catalogue.", examples=["bill.view"])
    happened_at: Instant = Field(description="When it succeeded.")

    @classmethod
    def of(cls, done: CountedActivity) -> ActivityOut:
        return cls(source=done.source, id=done.id, activity=done.activity, happened_at=done.happened_at)


class GrantOut(Schema):
    """Volume that was granted; it is never taken back."""

    bytes: int = Field(description="How much.", examples=[100000000])
    granted_at: Instant = Field(description="Since when it is usable, once it is confirmed.")
    valid_until: Instant = Field(description="Usable until just before this instant.")
    left_bytes: int = Field(description="What is left of it, or was left when it ended.", examples=[64000000])
    bucket_id: str = Field(
        description="Its bucket, as in the entries of the line.",
        examples=["6d3f3c8e-5f0e-5f6b-9a53-6f2f0b7a1c11"],
    )
    order_state: str | None = Field(
        description="What became of its credit order: `open`, `confirmed`, `uncertain` or `refused`; null "
        "where none was needed, because it had ended when it was decided.",
        examples=["confirmed"],
    )
    activity: ActivityOut | None = Field(
        description="The activity that released it; null where it came by itself."
    )


class TrancheOut(Schema):
    """The volume that a stage gives for one later billing period, starts_at ≤ time < ends_at."""

    index: int = Field(description="The number of the billing period since the enrolment.", examples=[4])
    window: int = Field(description="The stage that it comes from.", examples=[1])
    level: int = Field(description="The level that says how much it is.", examples=[1])
    starts_at: Instant = Field(description="The first instant of that period.")
    ends_at: Instant = Field(description="The first instant after it.")
    bytes: int = Field(description="What was granted, or would be now.", examples=[100000000])
    state: TrancheState = Field(description="What has become of it.", examples=["granted"])
    status: TrancheStatus = Field(
        description="The same as a person sees it at a glance; only `usable` may be called usable.",
        examples=["usable"],
    )
    why: WordsOut = Field(description="The reason in one sentence.")
    grant: GrantOut | None = Field(description="What was granted; null where nothing was.")

    @classmethod
    def of(cls, tranche: Tranche, told: ToldEnrolment, zone: str, ledger: Ledger) -> TrancheOut:
        return cls(
            index=tranche.index,
            window=tranche.window,
            level=tranche.level,
            starts_at=tranche.starts_at,
            ends_at=tranche.ends_at,
            bytes=tranche.bytes,
            state=tranche.state,
            status=tranche_status(tranche),
            why=WordsOut.of(tranche_sentence(tranche, told, zone)),
            grant=_grant(tranche, ledger.get((told.programme, tranche.index))),
        )


class StageOut(Schema):
    """Some billing periods in which something is to be passed, starts_at ≤ time < ends_at."""

    window: int = Field(description="Its number, from 1.", examples=[1])
    level: int = Field(description="The level at which it pays, as things stand.", examples=[1])
    starts_at: Instant = Field(description="Its first instant.")
    ends_at: Instant = Field(description="The first instant after it.")
    settles_at: Instant = Field(description="What is learned before this instant is still considered.")
    phase: Phase = Field(description="Whether it lies ahead, runs or is over.", examples=["past"])
    state: StageState = Field(description="Whether it is passed, missed or still open.", examples=["passed"])
    activities: int = Field(description="Activities in it that count.", examples=[3])
    activities_min: int = Field(description="How many it needs.", examples=[1])
    contacts: int = Field(description="Contacts in it that count against it.", examples=[0])
    contacts_max: int = Field(description="How many it bears.", examples=[0])
    bytes: int = Field(
        description="What it pays in each of its later periods, if it is passed.", examples=[100000000]
    )
    why: WordsOut = Field(description="How it stands, and what it still needs, in one sentence.")

    @classmethod
    def of(cls, stage: ToldStage, told: ToldEnrolment, zone: str) -> StageOut:
        return cls(
            window=stage.window,
            level=stage.level,
            starts_at=stage.starts_at,
            ends_at=stage.ends_at,
            settles_at=stage.settles_at,
            phase=stage.phase,
            state=stage.state,
            activities=stage.activities,
            activities_min=stage.activities_min,
            contacts=stage.counting_contacts,
            contacts_max=stage.contacts_max,
            bytes=stage.bytes,
            why=WordsOut.of(stage_sentence(stage, told, zone)),
        )


class RewardOut(Schema):
    """Where one enrolment stands."""

    programme: str = Field(description="The programme's name.", examples=["o2-2017"])
    title: WordsOut = Field(description="Its title for people.")
    version: int = Field(
        description="The version of its rules, for ever the same for this enrolment.", examples=[1]
    )
    digest: str = Field(
        description="The SHA-256 of these rules: it proves which ones they are.",
        examples=[EXAMPLE_DIGEST],
        min_length=64,
    )
    enrolled_at: Instant = Field(description="Since when the line takes part.")
    stopped_at: Instant | None = Field(
        description="When it left or ended; null while it takes part.", examples=[None]
    )
    closes_at: Instant = Field(description="What is learned after this instant decides nothing.")
    is_closed: bool = Field(description="Whether that instant has passed.")
    earned_bytes: int = Field(description="All that was granted.", examples=[100000000])
    cap_bytes: int = Field(description="The most that can be granted.", examples=[1800000000])
    next_step: WordsOut = Field(description="What comes next, or is to be done next, in one sentence.")
    is_to_do: bool = Field(description="Whether the next step is something to do online.")
    stages: list[StageOut] = Field(description="Its stages in order.")
    tranches: list[TrancheOut] = Field(description="Its tranches in order of their periods.")

    @classmethod
    def of(cls, told: ToldEnrolment, zone: str, ledger: Ledger) -> RewardOut:
        return cls(
            programme=told.programme,
            title=WordsOut.of(told.title),
            version=told.version,
            digest=told.digest,
            enrolled_at=told.enrolled_at,
            stopped_at=told.stopped_at,
            closes_at=told.closes_at,
            is_closed=told.is_closed,
            earned_bytes=told.earned_bytes,
            cap_bytes=told.cap_bytes,
            next_step=WordsOut.of(next_step(told, zone)),
            is_to_do=is_to_do(told),
            stages=[StageOut.of(stage, told, zone) for stage in told.stages],
            tranches=[TrancheOut.of(tranche, told, zone, ledger) for tranche in told.tranches],
        )


class RewardsOut(Schema):
    """All rewards of a line, by the time of enrolment."""

    subject: str = Field(description="The operator's own id of the line.", examples=["line-4711"])
    timezone: str = Field(
        description="The time zone of the dates in the sentences.", examples=["Europe/Berlin"]
    )
    items: list[RewardOut] = Field(
        description="One for each programme that the line takes or took part in. A line that is held out to "
        "measure the effect looks like one that takes part in nothing."
    )

    @classmethod
    def of(cls, told: Participation, ledger: Ledger) -> RewardsOut:
        return cls(
            subject=told.subject,
            timezone=told.timezone,
            items=[RewardOut.of(enrolment, told.timezone, ledger) for enrolment in told.enrolments],
        )


def _grant(tranche: Tranche, entry: LedgerGrant | None) -> GrantOut | None:
    """Tell a grant; a tranche released without volume has none."""
    if entry is None or tranche.granted_at is None or tranche.usable_until is None:
        return None
    by = tranche.released_by
    return GrantOut(
        bytes=tranche.bytes,
        granted_at=tranche.granted_at,
        valid_until=tranche.usable_until,
        left_bytes=entry.left_bytes if tranche.left_bytes is None else tranche.left_bytes,
        bucket_id=str(entry.grant.credit_id),
        order_state=entry.grant.order_state,
        activity=None if by is None else ActivityOut.of(by),
    )
