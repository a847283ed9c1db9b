"""Tell the subscriber why a contact counts or not: one plain sentence each, which names the facts.

The sentences take the reader's side. None blames, none threatens, and doubt is said to be in their favour.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, NEUTRAL_CODE, SENSITIVE_TOPICS
from selbsthelfer.kit.wording import Words, duration, either, moment, quoted
from selbsthelfer.programmes.core.wording_grounds import (
    Avoidable,
    EveryContact,
    Exempt,
    FailedOnline,
    Forgiven,
    Ground,
    InCrisis,
    LearnedLate,
    NotOnline,
    NotServed,
    OperatorInitiated,
    OtherChannel,
    Reclassified,
    Repeated,
    Right,
)

CHANNELS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "hotline": Words("Hotline", "Hotline"),
        "chat": Words("Chat", "Chat"),
        "shop": Words("Shop", "Shop"),
        "written": Words("Schriftlich", "In writing"),
    }
)
_ONE_CONTACT: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "hotline": Words("ein Anruf bei der Hotline", "a call to the hotline"),
        "chat": Words("ein Chat", "a chat"),
        "shop": Words("ein Besuch im Shop", "a visit to a shop"),
        "written": Words("eine schriftliche Anfrage", "a written request"),
    }
)

EXEMPT: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "fault": Words(
            "Bei einer Störung dürfen Sie sich immer melden, das zählt nie.",
            "You can always get in touch about a fault; that never counts.",
        ),
        "loss": Words(
            "Wenn Handy oder SIM weg sind, muss es schnell gehen; das zählt nie.",
            "When a phone or SIM is gone there is no time to lose; that never counts.",
        ),
        "objection": Words(
            "Einer Rechnung, Mahnung oder Sperre dürfen Sie auf jedem Weg widersprechen, das zählt nie.",
            "You may dispute a bill, a reminder or a barring in any way you like; that never counts.",
        ),
        "cancellation": Words(
            "Kündigen und widerrufen dürfen Sie auf jedem Weg, das zählt nie.",
            "You may cancel or revoke a contract in any way you like; that never counts.",
        ),
        "porting": Words(
            "Bei Rufnummernmitnahme und Umzug helfen wir gern persönlich, das zählt nie.",
            "We are glad to help in person when you move home or take your number along; that never counts.",
        ),
        "complaint": Words(
            "Beschweren dürfen Sie sich auf jedem Weg, das zählt nie.",
            "You may complain in any way you like; that never counts.",
        ),
        "privacy": Words(
            "Ihre Rechte beim Datenschutz stehen Ihnen auf jedem Weg offen, das zählt nie.",
            "Your data protection rights are open to you in any way you like; using them never counts.",
        ),
        "identity": Words(
            "Die Ausweisprüfung verlangt das Gesetz, deshalb zählt ein Kontakt dazu nie.",
            "The law requires the identity check, so a contact about it never counts.",
        ),
        "presales": Words(
            "Da ging es um einen Vertrag, den es noch nicht gab; das zählt nie.",
            "That was about a contract that did not exist yet; it never counts.",
        ),
        "programme": Words(
            "Nach diesem Programm dürfen Sie jederzeit fragen, das zählt nie.",
            "You can ask about this programme at any time; that never counts.",
        ),
        "third_party": Words(
            "Da ging es um den Anschluss eines anderen Menschen; das zählt nicht gegen Ihren.",
            "That was about somebody else’s line, so it does not count against yours.",
        ),
        "unclassified": Words(
            "Worum es ging, ist nicht vermerkt, und im Zweifel gilt das für Sie: Es zählt nicht.",
            "What it was about is not recorded, and doubt is in your favour: it does not count.",
        ),
        NEUTRAL_CODE: Words(
            "Ihr Anliegen ist vertraulich vermerkt und zählt nie.",
            "Your matter is kept in confidence and never counts.",
        ),
    }
)
"""The sentence for each exempt code."""

_CONFIDENTIAL: Final = Words("Vertrauliches Anliegen", "Confidential matter")
_NOT_RECORDED: Final = Words("Anliegen nicht vermerkt", "Matter not recorded")


def channel_name(channel: str | None) -> Words:
    """Name a channel; one that we have no word for keeps the operator's own."""
    if not channel:
        return Words("Weg nicht vermerkt", "Channel not recorded")
    return CHANNELS.get(channel) or Words(channel, channel)


def topic_name(topic: str | None) -> Words:
    """Name a topic in words; those that would tell something about the person stay neutral."""
    if topic is None or topic == "unclassified":
        return _NOT_RECORDED
    if topic == NEUTRAL_CODE or topic in SENSITIVE_TOPICS:
        return _CONFIDENTIAL
    if topic in EXEMPT_TOPICS:
        return Words(EXEMPT_TOPICS[topic].german, EXEMPT_TOPICS[topic].english)
    return activity_name(topic) if topic in CATALOGUE else _NOT_RECORDED


def activity_name(activity: str) -> Words:
    """Name a row of the catalogue."""
    return Words(CATALOGUE[activity].german, CATALOGUE[activity].english)


def contact_sentence(ground: Ground, channel: str | None, zone: str) -> Words:
    """Tell in one sentence why a contact counts or not; times in the line's zone."""
    what = Words("Anruf", "call") if channel == "hotline" else Words("Kontakt", "contact")
    match ground:
        case OtherChannel():
            return _other_channel(ground)
        case OperatorInitiated(direction):
            return _operator_initiated(direction, what)
        case NotServed():
            return _not_served(ground, what)
        case Exempt(code):
            return EXEMPT[code]
        case Right(activity):
            return _right(activity)
        case NotOnline(activity, in_tariff):
            return _not_online(activity, what, in_tariff=in_tariff)
        case Avoidable(activity):
            name = quoted(activity_name(activity))
            return Words(
                f"{name.de} geht auch online, deshalb zählt dieser {what.de}.",
                f"{name.en} can also be done online, so this {what.en} counts.",
            )
        case EveryContact(talk_seconds_min):
            span = duration(talk_seconds_min)
            return Words(
                f"In diesem Programm zählt jedes Gespräch ab {span.de}, ganz gleich, worum es ging.",
                f"In this programme every talk of at least {span.en} counts, whatever it was about.",
            )
        case _:
            return _by_circumstance(ground, what, zone)


def _by_circumstance(
    ground: FailedOnline | Repeated | InCrisis | LearnedLate | Forgiven | Reclassified, what: Words, zone: str
) -> Words:
    """Tell what happened around a contact."""
    match ground:
        case FailedOnline(activity, failed_at):
            name, at = quoted(activity_name(activity)), moment(failed_at, zone)
            return Words(
                f"Am {at.de} hatte {name.de} online nicht geklappt; "
                "sich dann zu melden war richtig und zählt nicht.",
                f"{name.en} had failed online on {at.en}; "
                "getting in touch then was right and does not count.",
            )
        case Repeated(earlier_at, earlier_channel):
            at = moment(earlier_at, zone)
            by = Words(f" ({channel_name(earlier_channel).de})", f" ({channel_name(earlier_channel).en})")
            return Words(
                f"Zu diesem Anliegen gab es schon am {at.de} einen Kontakt{by.de}; "
                "nachfragen zu müssen zählt nicht.",
                f"There had already been a contact about this on {at.en}{by.en}; "
                "having to ask again does not count.",
            )
        case InCrisis(from_at, until_at):
            since, until = moment(from_at, zone), moment(until_at, zone)
            return Words(
                f"Vom {since.de} bis zum {until.de} galt eine Ausnahmelage, in der kein {what.de} zählt.",
                f"From {since.en} to {until.en} there was an emergency, in which no {what.en} counts.",
            )
        case LearnedLate(received_at, settled_at):
            at, settled = moment(received_at, zone), moment(settled_at, zone)
            return Words(
                f"Von diesem {what.de} erfuhren wir erst am {at.de}, nach dem Stichtag ({settled.de}); "
                "was uns so spät erreicht, zählt nicht.",
                f"We learned of this {what.en} only on {at.en}, after the deadline ({settled.en}); "
                "what reaches us so late does not count.",
            )
        case Forgiven(goodwill_contacts):
            return _forgiven(goodwill_contacts, what)
        case Reclassified(decided_at, counts):
            return _reclassified(moment(decided_at, zone), what, counts=counts)


def _other_channel(ground: OtherChannel) -> Words:
    if not ground.channel:
        return Words(
            "Auf welchem Weg Sie uns erreicht haben, ist nicht vermerkt; im Zweifel zählt es nicht.",
            "How you reached us is not recorded; in doubt it does not count.",
        )
    name = one_contact(ground.channel)
    counting = either([one_contact(channel) for channel in ground.counting_channels])
    if not ground.counting_channels:
        return Words("In diesem Programm zählt kein Kontakt.", "In this programme no contact counts.")
    return Words(
        f"{_capital(name.de)} zählt nie, in diesem Programm zählt nur {counting.de}.",
        f"{_capital(name.en)} never counts; in this programme only {counting.en} does.",
    )


def one_contact(channel: str) -> Words:
    """Name one contact by a channel."""
    return _ONE_CONTACT.get(channel) or Words(f"ein Kontakt über „{channel}“", f"a contact by “{channel}”")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _operator_initiated(direction: str | None, what: Words) -> Words:
    match direction:
        case None | "":
            return Words(
                "Ob Sie sich gemeldet haben oder wir uns, ist nicht vermerkt; im Zweifel zählt es nicht.",
                "Whether you got in touch or we did is not recorded; in doubt it does not count.",
            )
        case "callback":
            return Words(
                "Das war unser Rückruf, deshalb zählt er nicht.",
                "We called you back, so this does not count.",
            )
        case "campaign_reply":
            return Words(
                "Sie haben auf eine Nachricht von uns geantwortet, deshalb zählt es nicht.",
                "You replied to a message of ours, so this does not count.",
            )
        case _:
            return Words(
                f"Dieser {what.de} ging von uns aus, deshalb zählt er nicht.",
                f"This {what.en} came from us, so it does not count.",
            )


def _not_served(ground: NotServed, what: Words) -> Words:
    if not ground.outcome:
        return Words(
            "Ob ein Gespräch zustande kam, ist nicht vermerkt; im Zweifel zählt es nicht.",
            "Whether anybody spoke with you is not recorded; in doubt it does not count.",
        )
    if ground.outcome != "answered":
        return Words(
            f"Es kam kein Gespräch zustande, deshalb zählt dieser {what.de} nicht.",
            f"Nobody got to speak with you, so this {what.en} does not count.",
        )
    if ground.talk_seconds is None:
        return Words(
            "Wie lange das Gespräch dauerte, ist nicht vermerkt; im Zweifel zählt es nicht.",
            "How long you talked is not recorded; in doubt it does not count.",
        )
    talk, least = duration(ground.talk_seconds), duration(ground.talk_seconds_min)
    if ground.talk_seconds == 0:
        return Words(
            f"Es kam kein Gespräch zustande; ein {what.de} zählt erst ab {least.de}.",
            f"Nobody got to speak with you; a {what.en} counts only from {least.en} on.",
        )
    return Words(
        f"Das Gespräch dauerte nur {talk.de}; erst ab {least.de} zählt ein {what.de}.",
        f"You talked for only {talk.en}; a {what.en} counts only from {least.en} on.",
    )


def _right(activity: str) -> Words:
    name = quoted(activity_name(activity))
    return Words(
        f"Bei {name.de} steht Ihnen jeder Weg offen, deshalb zählt ein Kontakt dazu nie.",
        f"For {name.en} every way is open to you, so a contact about it never counts.",
    )


def _not_online(activity: str, what: Words, *, in_tariff: bool) -> Words:
    name = quoted(activity_name(activity))
    if in_tariff:
        return Words(
            f"{name.de} ging in Ihrem Tarif online nicht, deshalb zählt dieser {what.de} nicht.",
            f"{name.en} could not be done online in your tariff, so this {what.en} does not count.",
        )
    return Words(
        f"{name.de} geht bei uns online noch nicht, deshalb zählt dieser {what.de} nicht.",
        f"{name.en} cannot be done online with us yet, so this {what.en} does not count.",
    )


def _forgiven(goodwill_contacts: int, what: Words) -> Words:
    if goodwill_contacts == 1:
        return Words(
            f"Ein {what.de} ist in jeder Stufe frei, und das war dieser.",
            f"One {what.en} is free in each stage, and this was the one.",
        )
    return Words(
        f"{goodwill_contacts} Kontakte sind in jeder Stufe frei, und dieser {what.de} war einer davon.",
        f"{goodwill_contacts} contacts are free in each stage, and this {what.en} was one of them.",
    )


def _reclassified(at: Words, what: Words, *, counts: bool) -> Words:
    if counts:
        return Words(
            f"Am {at.de} haben wir diesen {what.de} noch einmal geprüft und entschieden, dass er zählt.",
            f"On {at.en} we looked at this {what.en} again and decided that it counts.",
        )
    return Words(
        f"Am {at.de} haben wir diesen {what.de} noch einmal geprüft und entschieden, dass er nicht zählt.",
        f"On {at.en} we looked at this {what.en} again and decided that it does not count.",
    )
