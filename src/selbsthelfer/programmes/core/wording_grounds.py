"""On what ground a contact counts or does not, with the facts that a sentence about it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, NEUTRAL_CODE
from selbsthelfer.programmes.core.counting import ContactJudge, JudgedContact
from selbsthelfer.programmes.core.definition import Definition
from selbsthelfer.programmes.core.history import ContactFact, History
from selbsthelfer.programmes.core.windows import Windows


@dataclass(frozen=True, slots=True)
class OtherChannel:
    """Code `channel`."""

    channel: str | None
    counting_channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OperatorInitiated:
    """Code `operator_initiated`."""

    direction: str | None


@dataclass(frozen=True, slots=True)
class NotServed:
    """Code `not_served`."""

    outcome: str | None
    talk_seconds: int | None
    talk_seconds_min: int


@dataclass(frozen=True, slots=True)
class Exempt:
    """The code of an exempt topic, `exempt` or `unclassified`."""

    code: str


@dataclass(frozen=True, slots=True)
class Right:
    """The id of an activity of class `never`: a right, a consent or a purchase."""

    activity: str


@dataclass(frozen=True, slots=True)
class NotOnline:
    """Code `not_online`; `in_tariff` where only the line's tariff is in the way."""

    activity: str
    in_tariff: bool


@dataclass(frozen=True, slots=True)
class FailedOnline:
    """Code `selfservice_failed`."""

    activity: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Repeated:
    """Code `repeat`."""

    earlier_at: datetime
    earlier_channel: str | None


@dataclass(frozen=True, slots=True)
class InCrisis:
    """Code `crisis`."""

    from_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class LearnedLate:
    """Code `late`."""

    received_at: datetime
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Forgiven:
    """Code `goodwill`."""

    goodwill_contacts: int


@dataclass(frozen=True, slots=True)
class Reclassified:
    """Code `reclassified`, or a contact that counts because an agent said so."""

    decided_at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Avoidable:
    """The contact counts: it could have been done online."""

    activity: str


@dataclass(frozen=True, slots=True)
class EveryContact:
    """The contact counts because the programme knows no exemptions."""

    talk_seconds_min: int


Ground = (
    OtherChannel
    | OperatorInitiated
    | NotServed
    | Exempt
    | Right
    | NotOnline
    | FailedOnline
    | Repeated
    | InCrisis
    | LearnedLate
    | Forgiven
    | Reclassified
    | Avoidable
    | EveryContact
)


class Grounds:
    """Finds the ground of each judged contact by the conditions that judged it."""

    def __init__(self, known: History, windows: Windows, definition: Definition) -> None:
        self._judge = ContactJudge(known, windows, definition)
        self._definition = definition

    def topic_of(self, contact: ContactFact) -> str | None:
        """Tell a contact's topic as it was judged."""
        return self._judge.topic_of(contact)

    def ground_of(self, judged: JudgedContact) -> Ground:
        """Tell why a contact counts or does not."""
        contact, definition = judged.contact, self._definition
        reclassified = self._judge.effective_reclassification(contact, judged.window)
        if reclassified is not None:
            return Reclassified(reclassified.happened_at, reclassified.counts)
        match judged.code:
            case "channel":
                return OtherChannel(contact.channel, tuple(sorted(definition.channels)))
            case "operator_initiated":
                return OperatorInitiated(contact.direction)
            case "not_served":
                return NotServed(contact.outcome, contact.talk_seconds, definition.talk_seconds_min)
            case "late":
                return LearnedLate(contact.received_at, self._judge.settles_at(judged.window))
            case "goodwill":
                return Forgiven(definition.goodwill_contacts)
            case None if definition.exemptions == "none":
                return EveryContact(definition.talk_seconds_min)
            case code:
                return self._ground_by_topic(contact, code)

    def _ground_by_topic(self, contact: ContactFact, code: str | None) -> Ground:
        """Tell the ground of a contact that was judged by its topic."""
        if code is not None and (code == NEUTRAL_CODE or code in EXEMPT_TOPICS):
            return Exempt(code)
        topic = self._judge.topic_of(contact)
        assert topic is not None  # noqa: S101 - without a topic the code is `unclassified`
        match code:
            case None:
                return Avoidable(topic)
            case "not_online":
                return NotOnline(topic, in_tariff=CATALOGUE[topic].online)
            case "selfservice_failed":
                failed = self._judge.failure_before(contact, topic)
                assert failed is not None  # noqa: S101 - the contact was judged by it
                return FailedOnline(topic, failed.happened_at)
            case "repeat":
                earlier = self._judge.contact_before(contact, topic)
                assert earlier is not None  # noqa: S101 - the contact was judged by it
                return Repeated(earlier.happened_at, earlier.channel)
            case "crisis":
                crises = self._judge.history.crises
                crisis = next(c for c in crises if c.covers(contact.happened_at, topic))
                return InCrisis(crisis.from_at, crisis.until_at)
            case right:
                return Right(right)
