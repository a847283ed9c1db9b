"""The tax within sums of money, which are integer euro cents everywhere."""

from __future__ import annotations

from typing import Final

VAT_PERCENT: Final = 19
"""What every price contains. Source: § 12 (1) UStG."""


def vat_within(cents: int) -> int:
    """Compute the VAT that a gross sum contains, rounded half away from zero to whole cents."""
    taxed = abs(cents) * VAT_PERCENT * 2 + (100 + VAT_PERCENT)
    vat = taxed // (2 * (100 + VAT_PERCENT))
    return vat if cents >= 0 else -vat
