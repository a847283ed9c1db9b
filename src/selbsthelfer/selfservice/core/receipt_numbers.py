"""The numbers of receipts."""

from __future__ import annotations

from typing import Final

from selbsthelfer.kit.numbers import NumberKind

RECEIPT_NUMBER: Final = NumberKind("Q", 12)
"""For “Quittung”, such as `Q-7K3M-9PX2-4TR8`: nobody guesses one of 2⁵⁵."""
