"""Who takes part: the draw is the same for ever, and every reason against is named."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.programmes.core.definition import Definition, load_preset
from selbsthelfer.programmes.core.variant import Obstacle, Variant, draw_variant, reasons_against

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
shares = st.decimals(0, 1, places=6)


@given(salt=st.text(), subject=st.text(), share=shares)
def test_a_line_is_in_control_when_its_fraction_is_below_the_share(
    salt: str, subject: str, share: Decimal
) -> None:
    head = hashlib.sha256(salt.encode() + b":" + subject.encode()).hexdigest()[:16]
    below = Fraction(int(head, 16), 2**64) < Fraction(share)
    assert (draw_variant(salt=salt, subject=subject, control_share=share) is Variant.CONTROL) == below


@given(salt=st.text(), subject=st.text())
def test_nobody_is_in_control_at_share_0_and_everybody_at_share_1(salt: str, subject: str) -> None:
    assert draw_variant(salt=salt, subject=subject, control_share=Decimal(0)) is Variant.TREATMENT
    assert draw_variant(salt=salt, subject=subject, control_share=Decimal(1)) is Variant.CONTROL


@given(subject=st.text(), low=shares, high=shares)
def test_a_greater_share_keeps_everybody_who_is_in_control(subject: str, low: Decimal, high: Decimal) -> None:
    low, high = sorted((low, high))
    if draw_variant(salt="s", subject=subject, control_share=low) is Variant.CONTROL:
        assert draw_variant(salt="s", subject=subject, control_share=high) is Variant.CONTROL


@pytest.mark.parametrize("share", ["0.1", "0.5", "0.9"])
def test_the_share_drawn_is_the_share_asked_for(share: str) -> None:
    drawn = [
        draw_variant(salt="pepper", subject=f"line-{number}", control_share=Decimal(share))
        for number in range(20_000)
    ]
    assert abs(drawn.count(Variant.CONTROL) / len(drawn) - float(share)) < 0.012


def test_a_fraction_at_the_very_share_is_not_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed:
        def __init__(self, drawn: int) -> None:
            self.drawn = drawn

        def digest(self) -> bytes:
            return self.drawn.to_bytes(8, "big") + bytes(24)

    def variant(drawn: int, share: str) -> Variant:
        monkeypatch.setattr("selbsthelfer.programmes.core.variant.sha256", lambda _: Fixed(drawn))
        return draw_variant(salt="", subject="", control_share=Decimal(share))

    assert variant(2**63, "0.5") is Variant.TREATMENT
    assert variant(2**63 - 1, "0.5") is Variant.CONTROL
    assert variant(2**64 - 1, "1") is Variant.CONTROL
    tenth = 2**64 // 10
    assert (variant(tenth, "0.1"), variant(tenth + 1, "0.1")) == (Variant.CONTROL, Variant.TREATMENT)


def demanding() -> Definition:
    preset = load_preset("o2-2017")
    eligible = dataclasses.replace(preset.eligible, tariffs=frozenset({"M", "L"}), tenure_days_min=90)
    return dataclasses.replace(
        preset, eligible=eligible, enrol_from=NOW, enrol_until=NOW + timedelta(days=30)
    )


def against(
    tariff: str | None = "M",
    tenure_days: int | None = 90,
    included_bytes: int | None = 0,
    now: datetime = NOW,
    definition: Definition | None = None,
) -> tuple[Obstacle, ...]:
    return reasons_against(
        definition or demanding(),
        tariff=tariff,
        tenure_days=tenure_days,
        included_bytes=included_bytes,
        now=now,
    )


def test_a_line_that_fulfils_everything_may_enrol() -> None:
    assert against() == ()


def test_each_demand_is_named_alone() -> None:
    assert against(tariff="S") == against(tariff=None) == ("tariff",)
    assert against(tenure_days=89) == against(tenure_days=None) == ("tenure",)
    assert against(included_bytes=None) == ("unlimited",)


def test_enrolling_is_possible_from_the_first_instant_and_not_at_the_last() -> None:
    instant = timedelta(microseconds=1)
    assert against(now=NOW - instant) == ("not_yet_open",)
    assert against(now=NOW + timedelta(days=30) - instant) == ()
    assert against(now=NOW + timedelta(days=30)) == ("closed",)


def test_all_reasons_are_named() -> None:
    late = NOW + timedelta(days=31)
    assert against("S", 0, None, late) == ("closed", "tariff", "tenure", "unlimited")


def test_the_preset_keeps_out_only_lines_with_unlimited_volume() -> None:
    preset = load_preset("o2-2017")
    assert against(None, None, 1, NOW, preset) == ()
    assert against(None, None, None, NOW, preset) == ("unlimited",)
    welcoming = dataclasses.replace(preset, eligible=dataclasses.replace(preset.eligible, unlimited=True))
    assert against(None, None, None, NOW, welcoming) == ()
