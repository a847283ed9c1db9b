"""The numbers of cases."""

from __future__ import annotations

from typing import Final

from selbsthelfer.kit.numbers import NumberKind

CASE_NUMBER: Final = NumberKind("F", 8)
"""For “Fall”, such as `F-7K3M-2Q9D`: short enough to be read out; it opens nothing by itself."""
