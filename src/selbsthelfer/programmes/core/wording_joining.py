"""Tell kindly why a line cannot join a programme, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.programmes.core.variant import Obstacle


class JoinRefusal(StrEnum):
    """Why joining, or leaving, was refused; the values are the codes of the errors."""

    NOT_OPEN = "not_open"
    NOT_ELIGIBLE = "not_eligible"
    INVITATION_NEEDED = "invitation_needed"
    INVITATION_UNKNOWN = "invitation_unknown"
    INVITATION_USED = "invitation_used"
    BUDGET_EXHAUSTED = "budget_exhausted"
    WITHDRAWN = "withdrawn"
    NOT_ENROLLED = "not_enrolled"


OBSTACLES: Final[Mapping[Obstacle, Words]] = MappingProxyType(
    {
        Obstacle.NOT_YET_OPEN: Words(
            "Mitmachen geht noch nicht. Schauen Sie später wieder vorbei.",
            "You cannot join yet. Please come back later.",
        ),
        Obstacle.CLOSED: Words(
            "Neu mitmachen geht nicht mehr; das Programm nimmt niemanden mehr auf.",
            "The programme is closed to newcomers, so you cannot join any more.",
        ),
        Obstacle.TARIFF: Words(
            "In Ihrem Tarif gibt es dieses Programm nicht.",
            "This programme is not available in your tariff.",
        ),
        Obstacle.TENURE: Words(
            "Ihr Anschluss ist dafür noch zu neu. Versuchen Sie es später noch einmal.",
            "Your line is still too new for this. Please try again later.",
        ),
        Obstacle.UNLIMITED: Words(
            "Ihr Tarif hat schon unbegrenztes Datenvolumen; mehr davon hätte für Sie keinen Wert.",
            "Your tariff already has unlimited data; more of it would be worth nothing to you.",
        ),
    }
)
"""What to tell about each obstacle."""

REFUSALS: Final[Mapping[JoinRefusal, Words]] = MappingProxyType(
    {
        JoinRefusal.NOT_OPEN: Words(
            "Mitmachen geht im Moment nicht.",
            "You cannot join at the moment.",
        ),
        JoinRefusal.NOT_ELIGIBLE: Words(
            "Mit diesem Anschluss können Sie leider nicht mitmachen.",
            "We are sorry, you cannot join with this line.",
        ),
        JoinRefusal.INVITATION_NEEDED: Words(
            "Für dieses Programm brauchen Sie eine Einladung. Haben Sie einen Einladungscode? "
            "Dann geben Sie ihn bitte ein.",
            "You need an invitation for this programme. If you have an invitation code, please enter it.",
        ),
        JoinRefusal.INVITATION_UNKNOWN: Words(
            "Diesen Einladungscode kennen wir nicht. Er hat acht Zeichen, zum Beispiel 7K3M-9XQ2. "
            "Bitte prüfen Sie, ob Sie sich vertippt haben.",
            "We do not know this invitation code. It has eight characters, such as 7K3M-9XQ2. "
            "Please check whether you mistyped it.",
        ),
        JoinRefusal.INVITATION_USED: Words(
            "Dieser Einladungscode ist schon verbraucht.",
            "This invitation code has been used up already.",
        ),
        JoinRefusal.BUDGET_EXHAUSTED: Words(
            "Das Programm ist voll: Wir nehmen nur so viele auf, wie wir das Guthaben sicher geben können.",
            "The programme is full: we take in only as many as we can surely give the volume to.",
        ),
        JoinRefusal.WITHDRAWN: Words(
            "Sie haben dieses Programm verlassen; ein zweites Mal mitmachen geht leider nicht.",
            "You have left this programme; we are sorry that you cannot join it a second time.",
        ),
        JoinRefusal.NOT_ENROLLED: Words(
            "Sie nehmen an diesem Programm nicht teil.",
            "You are not taking part in this programme.",
        ),
    }
)
"""What to tell about each refusal, where no obstacle says more."""
