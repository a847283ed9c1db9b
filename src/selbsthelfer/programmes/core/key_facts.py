"""Say the rules of a programme in a handful of plain sentences, computed from the definition itself.

They are what somebody reads before joining or leaving: short, complete where it matters, and true of every
definition that can be published. The full terms go further; they never say anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.kit.wording import Words, duration, either, volume
from selbsthelfer.programmes.core.definition import Definition, Join, MissedStageRule, ReleaseRule
from selbsthelfer.programmes.core.definition_values import Exemptions
from selbsthelfer.programmes.core.wording_contacts import channel_name, one_contact

MAX_NAMED_STAGES: Final = 4
"""Volumes of stages that a sentence names one by one; of more it tells the least and the most."""

_EXAMPLES: Final = ("fault", "loss", "objection", "cancellation", "complaint")
"""The exempt topics that a key fact names; the full terms name them all."""


def most_bytes(definition: Definition) -> int:
    """Compute the most that one enrolment can be granted: the best way to pass and miss, cut to the cap.

    Where a missed stage lowers the levels after it, and an early level gives more than a later one, the best
    way may be one with a missed stage.
    """
    volumes = [stage.bytes for stage in definition.stages]
    if definition.on_missed_stage != MissedStageRule.RESET:
        best = sum(volumes)
    else:
        # `ended[n]` is the best of the first n windows if the last of them is missed, or there is none.
        run = [sum(volumes[:length]) for length in range(len(volumes) + 1)]
        ended = [0]
        for window in range(1, len(volumes) + 1):
            ended.append(max(ended[begin] + run[window - 1 - begin] for begin in range(window)))
        best = max(ended[begin] + run[len(volumes) - begin] for begin in range(len(volumes) + 1))
    return min(definition.cap_bytes, best * definition.periods_per_stage)


def key_facts(definition: Definition) -> tuple[Words, ...]:
    """List the key facts of a programme in the order in which people ask for them."""
    return tuple(_facts(definition))


def _facts(definition: Definition) -> Iterator[Words]:
    yield _volume(definition)
    yield _length(definition)
    yield _passing(definition)
    if most_bytes(definition):
        yield _release(definition)
    yield from _contacts(definition)
    if definition.stage_count > 1:
        yield _missed(definition)
    yield Words(
        "Die Hotline bleibt für Sie offen. Was gutgeschrieben ist, nehmen wir nie zurück.",
        "The hotline stays open to you. What has been credited is never taken back.",
    )
    yield Words(
        "Sie können jederzeit gehen, ohne Grund und ohne Nachteil. Gutgeschriebenes bleibt nutzbar, neues "
        "verdienen Sie dann nicht mehr. Ein zweites Mal mitmachen geht nicht.",
        "You can leave at any time, without a reason and without harm. What was credited stays usable; you "
        "will not earn any more. You cannot join a second time.",
    )
    yield Words(
        "Für das Programm speichern wir, was Sie wann online erledigt haben, wann, wie lange und wozu Sie "
        "uns erreicht haben, und Ihre Gutschriften. Was gesprochen oder geschrieben wurde, gehört nicht "
        "dazu.",
        "For the programme we store what you did online and when, when, how long and about what you were in "
        "touch with us, and your credits. What was said or written is not part of it.",
    )
    if definition.join == Join.INVITATION:
        yield Words("Mitmachen geht nur mit Einladung.", "You can join by invitation only.")


def _volume(definition: Definition) -> Words:
    """Tell what one gets for each stage, and in all."""
    most = most_bytes(definition)
    if most == 0:
        return Words("Dieses Programm bringt kein Datenvolumen.", "This programme brings no data volume.")
    each, total = _each(definition), volume(most)
    return Words(
        f"Wer seine Anliegen online erledigt, bekommt Datenvolumen: {each.de}, insgesamt bis zu {total.de}.",
        f"Settle your concerns online and get data volume: {each.en}, up to {total.en} in all.",
    )


def _each(definition: Definition) -> Words:
    """Name the volumes of the stages, each as often as it is paid."""
    volumes, times = [stage.bytes for stage in definition.stages], definition.periods_per_stage
    if len(volumes) > MAX_NAMED_STAGES:
        least, most = volume(min(volumes)), volume(max(volumes))
        return Words(
            f"je nach Stufe {times}-mal {least.de} bis {most.de}",
            f"{least.en} to {most.en} depending on the stage, {times} times each",
        )
    named = [volume(bytes_) for bytes_ in volumes]
    if times > 1:
        named = [Words(f"{times}-mal {size.de}", f"{times} times {size.en}") for size in named]
    return _and(named)


def _and(names: list[Words]) -> Words:
    if len(names) == 1:
        return names[0]
    return Words(
        ", ".join(n.de for n in names[:-1]) + " und " + names[-1].de,
        ", ".join(n.en for n in names[:-1]) + " and " + names[-1].en,
    )


def _length(definition: Definition) -> Words:
    stages, each, last = definition.stage_count, definition.periods_per_stage, definition.last_index
    head = Words(
        f"Das Ganze dauert {last} Abrechnungszeiträume (meist Monate).",
        f"It takes {last} billing periods in all (mostly months).",
    )
    long = Words("einen davon", "one of them") if each == 1 else Words(f"{each} davon", f"{each} of them")
    stage = (
        Words(f"Die eine Stufe umfasst {long.de}", f"The one stage spans {long.en}")
        if stages == 1
        else Words(
            f"Jede der {stages} Stufen umfasst {long.de}", f"Each of the {stages} stages spans {long.en}"
        )
    )
    after = (
        Words("im nächsten", "the next one")
        if each == 1
        else Words(f"in den {each} danach", f"the {each} after")
    )
    return Words(
        f"{head.de} {stage.de}, und ihr Guthaben kommt {after.de}; das erste also frühestens im {each + 1}.",
        f"{head.en} {stage.en}, and its volume comes in {after.en}; so the first in number {each + 1} "
        "at the earliest.",
    )


def _passing(definition: Definition) -> Words:
    """Tell what passes a stage."""
    conditions = []
    least = definition.activities_min
    if least == 1:
        conditions.append(
            Words("Sie darin etwas online erledigen, das zählt", "you do something online in it that counts")
        )
    elif least:
        conditions.append(
            Words(
                f"Sie darin mindestens {least}-mal etwas online erledigen, das zählt",
                f"you do at least {least} things online in it that count",
            )
        )
    if definition.channels:
        conditions.append(_bearable(definition))
    if not conditions:
        return Words("Jede Stufe ist von selbst bestanden.", "Every stage is passed by itself.")
    return Words(
        f"Eine Stufe ist bestanden, wenn {', und '.join(c.de for c in conditions)}.",
        f"A stage is passed if {', and '.join(c.en for c in conditions)}.",
    )


def _bearable(definition: Definition) -> Words:
    """Tell how many contacts a passed stage may have; all words for one contact begin with `ein` and `a`."""
    most = definition.contacts_max
    if len(definition.channels) == 1 and most == 0:
        one = one_contact(*definition.channels)
        return Words(f"k{one.de} zählt", f"no {one.en.removeprefix('a ')} counts")
    names = either([channel_name(channel) for channel in sorted(definition.channels)])
    match most:
        case 0:
            return Words(f"kein Kontakt zählt ({names.de})", f"no contact counts ({names.en})")
        case 1:
            return Words(
                f"höchstens ein Kontakt zählt ({names.de})", f"at most one contact counts ({names.en})"
            )
        case _:
            return Words(
                f"höchstens {most} Kontakte zählen ({names.de})",
                f"at most {most} contacts count ({names.en})",
            )


def _release(definition: Definition) -> Words:
    """Tell what lets volume go, and how long it lives."""
    lives = Words(
        "Nutzbar ist es bis zum Ende des laufenden Abrechnungszeitraums; was dann übrig ist, verfällt.",
        "It is usable until the end of the running billing period; what is left then expires.",
    )
    if definition.release == ReleaseRule.PERIOD_START:
        return Words(
            "Nach einer bestandenen Stufe kommt das Guthaben von selbst, wenn der Zeitraum beginnt. "
            f"{lives.de}",
            f"After a passed stage the volume comes by itself, at the start of each period. {lives.en}",
        )
    return Words(
        "Nach einer bestandenen Stufe kommt das Guthaben, sobald Sie im jeweiligen Zeitraum etwas online "
        f"erledigen, das zählt. {lives.de}",
        "After a passed stage the volume comes as soon as you do something in that period online that "
        f"counts. {lives.en}",
    )


def _contacts(definition: Definition) -> Iterator[Words]:
    """Tell which contacts never count, or that nearly all do."""
    if not definition.channels:
        yield Words("Kein Kontakt zählt gegen Sie.", "No contact counts against you.")
        return
    least = duration(definition.talk_seconds_min)
    spoken = (
        Words(f" ab {least.de}", f" of at least {least.en}") if definition.talk_seconds_min else Words("", "")
    )
    if definition.exemptions == Exemptions.FAIR:
        named = [EXEMPT_TOPICS[topic] for topic in _EXAMPLES]
        yield Words(
            "Nie zählt gegen Sie, was sich nicht vermeiden lässt, zum Beispiel "
            f"{', '.join(f'„{topic.german}“' for topic in named)}, was online nicht geht oder in den drei "
            "Tagen davor online nicht geklappt hat, und Nachfragen in den sieben Tagen danach.",
            "What cannot be avoided never counts against you, for example "
            f"{', '.join(f'“{topic.english}”' for topic in named)}, what cannot be done online or failed "
            "there in the three days before, and asking again within seven days.",
        )
    else:
        yield Words(
            f"Es zählt jedes Gespräch{spoken.de}, das von Ihnen ausgeht, ganz gleich, worum es geht.",
            f"Every talk{spoken.en} that you begin counts, whatever it is about.",
        )
    free = definition.goodwill_contacts
    if free:
        yield Words(
            f"In jeder Stufe {'ist ein Kontakt' if free == 1 else f'sind {free} Kontakte'} frei.",
            f"In each stage {'one contact is' if free == 1 else f'{free} contacts are'} free.",
        )


def _missed(definition: Definition) -> Words:
    """Tell what a missed stage costs."""
    head = Words("Eine verfehlte Stufe bringt kein Guthaben", "A missed stage brings no volume")
    match definition.on_missed_stage:
        case MissedStageRule.REPEAT:
            return Words(
                f"{head.de}; die nächste bringt dann so viel, wie sie gebracht hätte.",
                f"{head.en}; the next one then brings as much as it would have brought.",
            )
        case MissedStageRule.RESET:
            first = volume(definition.stages[0].bytes)
            return Words(
                f"{head.de}; die nächste beginnt wieder bei {first.de}.",
                f"{head.en}; the next one starts again at {first.en}.",
            )
        case _:
            return Words(
                f"{head.de}; die nächste bringt trotzdem, was für sie vorgesehen ist.",
                f"{head.en}; the next one still brings what is meant for it.",
            )
