"""What a subscriber may agree to beyond the contract. Nothing depends on it, and it is never rewarded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from selbsthelfer.kit.wording import Words


class Purpose(StrEnum):
    """What a consent is for."""

    NEWS = "news"
    OFFERS = "offers"
    SURVEYS = "surveys"


@dataclass(frozen=True, slots=True)
class PurposeText:
    """A purpose in plain words."""

    title: Words
    meaning: Words


PURPOSES = {
    Purpose.NEWS: PurposeText(
        Words("Neuigkeiten per SMS oder E-Mail", "News by text message or e-mail"),
        Words(
            "Wir schreiben Ihnen, wenn es neue Tarife oder Angebote gibt, höchstens zweimal im Monat.",
            "We write to you when there are new tariffs or offers, at most twice a month.",
        ),
    ),
    Purpose.OFFERS: PurposeText(
        Words("Angebote, die zu Ihrer Nutzung passen", "Offers that fit your use"),
        Words(
            "Wir schauen, wie viel Sie telefonieren und surfen, und zeigen Ihnen Tarife, die besser passen.",
            "We look at how much you call and browse in order to show you a tariff that fits better.",
        ),
    ),
    Purpose.SURVEYS: PurposeText(
        Words("Umfragen", "Surveys"),
        Words(
            "Wir fragen Sie ab und zu, ob eine Erledigung gut geklappt hat.",
            "We ask you now and then whether a task went well.",
        ),
    ),
}
"""Every purpose, in the order in which people are asked."""
