"""Write which activities and which contacts count, as terms that people can read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from selbsthelfer.activities.core.catalogue import CATALOGUE, CountingClass
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, SENSITIVE_TOPICS
from selbsthelfer.kit.wording import Words, duration, either
from selbsthelfer.programmes.core.counting import (
    FAILED_ACTIVITY_REACH,
    ONCE_PER_183_DAYS_REACH,
    REPEAT_REACH,
)
from selbsthelfer.programmes.core.definition import Definition, Exemptions
from selbsthelfer.programmes.core.wording_contacts import activity_name, channel_name

_CLASSES = {
    CountingClass.ALWAYS: Words("Jedes Mal zählen", "These count every time"),
    CountingClass.ONCE_PER_PERIOD: Words(
        "Einmal in jedem Abrechnungszeitraum zählen", "These count once in each billing period"
    ),
    CountingClass.ONCE_PER_183_DAYS: Words(
        f"Einmal in {ONCE_PER_183_DAYS_REACH.days} Tagen zählen",
        f"These count once in {ONCE_PER_183_DAYS_REACH.days} days",
    ),
    CountingClass.ONCE: Words("Ein einziges Mal zählen", "These count one single time"),
    CountingClass.NEVER: Words(
        "Nie zählen, weil niemand für Rechte, Einwilligungen oder Käufe belohnt werden soll",
        "These never count, because nobody should be rewarded for rights, consents or purchases",
    ),
}


def times(number: int) -> Words:
    """Say how often."""
    if number == 1:
        return Words("einmal", "once")
    return Words(f"{number}-mal", f"{number} times")


def counting_terms() -> tuple[Words, ...]:
    """Say which activities count, and how often; each is named once."""
    return (
        Words(
            "Etwas zählt, wenn es wirklich geklappt hat; ein Knopfdruck allein genügt nicht.",
            "Something counts when it has really worked; pressing a button is not enough.",
        ),
        *(
            Words(
                f"{words.de}: {_named(counting_class).de}.",
                f"{words.en}: {_named(counting_class).en}.",
            )
            for counting_class, words in _CLASSES.items()
        ),
    )


def _named(counting_class: CountingClass) -> Words:
    names = [activity_name(a.id) for a in CATALOGUE.values() if a.counting_class is counting_class]
    return Words(" · ".join(name.de for name in names), " · ".join(name.en for name in names))


def contact_terms(definition: Definition) -> Iterator[Words]:
    """Say which contacts count, and which do not."""
    if not definition.channels:
        yield Words("In diesem Programm zählt kein Kontakt.", "In this programme no contact counts.")
        return
    talk = duration(definition.talk_seconds_min)
    channels = either([channel_name(channel) for channel in sorted(definition.channels)])
    yield Words(
        f"Ein Kontakt zählt nur auf diesem Weg: {channels.de}. Alle anderen Wege stehen Ihnen frei.",
        f"A contact counts only by this way: {channels.en}. All other ways are free to you.",
    )
    yield Words(
        f"Er zählt nur, wenn Sie sich gemeldet haben und das Gespräch mindestens {talk.de} gedauert hat.",
        f"It counts only if you got in touch and the talk lasted at least {talk.en}.",
    )
    if definition.exemptions is Exemptions.FAIR:
        yield from _topic_terms(definition)
    else:
        yield Words(
            "Dabei ist es gleich, worum es ging.",
            "What it was about makes no difference.",
        )
    yield from circumstance_terms(definition)


def free_terms(definition: Definition) -> tuple[Words, ...]:
    """Name everything by which a contact does not count: what happened around it, then what it was about."""
    topics = exempt_terms() if definition.exemptions is Exemptions.FAIR else ()
    return (*circumstance_terms(definition), *topics)


def _topic_terms(definition: Definition) -> Iterator[Words]:
    yield Words(
        "Er zählt nur, wenn es um etwas ging, das Sie auch online hätten erledigen können.",
        "It counts only if it was about something that you could have done online.",
    )
    for tariff, activities in sorted(definition.not_online.items()):
        names = either([activity_name(activity) for activity in sorted(activities)])
        yield Words(
            f"Im Tarif {tariff} geht das nicht online: {names.de}.",
            f"In the tariff {tariff} this cannot be done online: {names.en}.",
        )


def circumstance_terms(definition: Definition) -> Iterator[Words]:
    """Say what must have happened for a contact not to count, whatever it is about."""
    failed, repeated = FAILED_ACTIVITY_REACH // timedelta(hours=1), REPEAT_REACH.days
    if definition.exemptions is Exemptions.FAIR:
        yield Words(
            f"Hat etwas online nicht geklappt, ist ein Kontakt dazu in den {failed} Stunden danach frei.",
            f"When something has failed online, a contact about it within the {failed} hours after is free.",
        )
        yield Words(
            f"Nachfragen zum selben Anliegen innerhalb von {repeated} Tagen zählen nicht.",
            f"Asking again about the same matter within {repeated} days does not count.",
        )
        yield Words(
            "Rufen wir eine Ausnahmelage aus, etwa bei einem großen Netzausfall, zählen die Kontakte nicht, "
            "für die sie gilt.",
            "When we declare an emergency, such as in a large network outage, the contacts it applies to do "
            "not count.",
        )
    if definition.goodwill_contacts:
        free = definition.goodwill_contacts
        yield Words(
            "In jeder Stufe ist der erste Kontakt frei, der sonst zählen würde."
            if free == 1
            else f"In jeder Stufe sind die ersten {free} Kontakte frei, die sonst zählen würden.",
            "In each stage the first contact that would count is free."
            if free == 1
            else f"In each stage the first {free} contacts that would count are free.",
        )


def exempt_terms() -> tuple[Words, ...]:
    """Name every topic that never counts; those that tell something about a person are named here only."""
    topics = [topic for topic in EXEMPT_TOPICS if topic not in SENSITIVE_TOPICS]
    sensitive = sorted(SENSITIVE_TOPICS)
    return (
        *(Words(f"{EXEMPT_TOPICS[t].german}.", f"{EXEMPT_TOPICS[t].english}.") for t in topics),
        Words(
            "Vertraulich vermerkt und deshalb nirgends einzeln gezeigt: "
            + ", ".join(EXEMPT_TOPICS[t].german for t in sensitive)
            + ".",
            "Kept in confidence, and therefore never shown one by one: "
            + ", ".join(EXEMPT_TOPICS[t].english for t in sensitive)
            + ".",
        ),
        Words(
            "Alles, was im Verzeichnis der Erledigungen mit „nie“ geführt wird, zum Beispiel eine Kündigung.",
            "Everything that the list of activities marks as “never”, such as a cancellation.",
        ),
    )
