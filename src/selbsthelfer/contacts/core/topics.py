"""The topics that never count against anybody, whatever a programme says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NEUTRAL_CODE: Final = "exempt"
"""The code that stands for a topic which would tell something about the person."""

SENSITIVE_TOPICS: Final = frozenset({"accessibility", "hardship"})
"""Topics that may be named in the contact room only."""


@dataclass(frozen=True, slots=True)
class ExemptTopic:
    """What people read for a topic that never counts."""

    german: str
    english: str


EXEMPT_TOPICS: Mapping[str, ExemptTopic] = MappingProxyType(
    {
        "fault": ExemptTopic("Störung oder kein Netz", "Fault or no reception"),
        "loss": ExemptTopic("Handy oder SIM weg, Sperre", "Phone or SIM lost or stolen, blocking"),
        "objection": ExemptTopic(
            "Einspruch, Mahnung oder Sperrandrohung", "Disputed bill, reminder or barring"
        ),
        "cancellation": ExemptTopic("Kündigung oder Widerruf", "Leaving or revoking a contract"),
        "porting": ExemptTopic("Rufnummernmitnahme oder Umzug", "Moving a number or moving home"),
        "complaint": ExemptTopic("Beschwerde oder Entschädigung", "Complaint or redress"),
        "privacy": ExemptTopic("Datenschutz und Einwilligungen", "Data protection and consents"),
        "accessibility": ExemptTopic("Barrierefreiheit und Assistenz", "Accessible service and assistance"),
        "hardship": ExemptTopic("Besondere Lebenslage", "Special personal situation"),
        "identity": ExemptTopic("Vorgeschriebene Ausweisprüfung", "Identity check required by law"),
        "presales": ExemptTopic("Fragen vor einem Vertrag", "Questions before there is a contract"),
        "programme": ExemptTopic("Fragen zu diesem Programm", "Questions about this programme"),
        "third_party": ExemptTopic("Anliegen einer anderen Person", "Calling on behalf of somebody else"),
        "unclassified": ExemptTopic("Nicht zugeordnet", "Not assigned to a topic"),
    }
)
"""Every exempt topic by its id."""


def exempt_code(topic: str) -> str | None:
    """Name the code under which an exempt topic may be stored, or `None` if the topic is not exempt."""
    if topic in SENSITIVE_TOPICS:
        return NEUTRAL_CODE
    return topic if topic in EXEMPT_TOPICS else None
