"""Write the rules of a version as terms that people can read: every setting in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from selbsthelfer.kit.wording import Words, either, moment, volume
from selbsthelfer.portal.presenting_terms_counting import (
    contact_terms,
    counting_terms,
    exempt_terms,
    times,
)
from selbsthelfer.programmes.core.definition import (
    Definition,
    Exemptions,
    Join,
    MissedStageRule,
    ReleaseRule,
)

__all__ = ["Clause", "StageRow", "clauses", "stage_rows"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of the terms: its heading and its sentences."""

    title: Words
    sentences: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage in the table of the terms, for a line that passes all of them."""

    number: int
    observed: str
    paid: str
    each: Words
    total: Words


def clauses(definition: Definition, zone: str) -> Sequence[Clause]:
    """Write all terms of a version; dates in a zone."""
    return (
        Clause(Words("Wer teilnehmen kann", "Who can take part"), tuple(_taking_part(definition, zone))),
        Clause(Words("Wie eine Stufe gelingt", "How a stage is passed"), tuple(_passing(definition))),
        Clause(Words("Was als erledigt zählt", "What counts as done"), counting_terms()),
        Clause(Words("Welche Kontakte zählen", "Which contacts count"), tuple(contact_terms(definition))),
        *(
            [Clause(Words("Was nie zählt", "What never counts"), exempt_terms())]
            if definition.exemptions is Exemptions.FAIR
            else []
        ),
        Clause(Words("Wann das Volumen kommt", "When the volume comes"), tuple(_releasing(definition))),
        Clause(Words("Wenn eine Stufe verfehlt wird", "When a stage is missed"), _missing(definition)),
        Clause(Words("Was Ihnen bleibt", "What stays yours"), _keeping(definition)),
        Clause(Words("Wer entscheidet", "Who decides"), _deciding()),
    )


def stage_rows(definition: Definition) -> Sequence[StageRow]:
    """List what each stage gives to a line that passes all of them, up to the cap."""
    length, rest, rows = definition.periods_per_stage, definition.cap_bytes, []
    for number, stage in enumerate(definition.stages, start=1):
        total = min(stage.bytes * length, rest)
        rest -= total
        rows.append(
            StageRow(
                number=number,
                observed=_span((number - 1) * length + 1, number * length),
                paid=_span(number * length + 1, (number + 1) * length),
                each=volume(stage.bytes),
                total=volume(total),
            )
        )
    return rows


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _taking_part(definition: Definition, zone: str) -> Iterator[Words]:
    eligible = definition.eligible
    if eligible.tariffs:
        names = either([Words(name, name) for name in sorted(eligible.tariffs)])
        yield Words(f"Anschlüsse im Tarif {names.de}.", f"Lines in the tariff {names.en}.")
    else:
        yield Words("Anschlüsse in jedem Tarif.", "Lines in any tariff.")
    if eligible.tenure_days_min:
        least = eligible.tenure_days_min
        yield Words(
            f"Der Anschluss muss seit mindestens {least} Tagen bestehen.",
            f"The line must have existed for at least {least} days.",
        )
    if not eligible.unlimited:
        yield Words(
            "Wer schon unbegrenztes Volumen hat, kann nicht teilnehmen: Mehr Volumen brächte dort nichts.",
            "Lines with unlimited volume cannot take part: more volume would bring them nothing.",
        )
    yield from _joining(definition)
    yield from _dates(definition.enrol_from, definition.enrol_until, zone)
    if definition.budget_bytes is not None:
        yield Words(
            "Das Volumen für das ganze Programm ist begrenzt. Für jeden, der teilnimmt, ist es bis zur "
            "Obergrenze zurückgelegt; ist alles vergeben, kann niemand mehr dazukommen.",
            "The volume for the whole programme is limited. For everybody who takes part it is set aside up "
            "to the limit; once all of it is, nobody else can join.",
        )
    if definition.control_share:
        yield Words(
            "Damit wir ehrlich messen können, was das Programm bewirkt, bieten wir es einem Teil der "
            "Anschlüsse nicht an. Welche das sind, entscheidet das Los.",
            "So that we can measure honestly what the programme brings about, we do not offer it to some of "
            "the lines. Which ones is decided by lot.",
        )


def _joining(definition: Definition) -> Iterator[Words]:
    if definition.join is Join.INVITATION:
        yield Words(
            "Teilnehmen kann, wer eingeladen ist: mit einem Code oder weil wir den Anschluss "
            "ausgewählt haben.",
            "Whoever is invited can take part: by a code, or because we have chosen the line.",
        )
    yield Words(
        "Die Teilnahme ist freiwillig und kostet nichts. Sie können sie jederzeit beenden.",
        "Taking part is voluntary and costs nothing. You can end it at any time.",
    )


def _dates(opens_at: datetime | None, closes_at: datetime | None, zone: str) -> Iterator[Words]:
    if opens_at is not None:
        at = moment(opens_at, zone)
        yield Words(f"Beitreten kann man ab dem {at.de}.", f"You can join from {at.en} on.")
    if closes_at is not None:
        at = moment(closes_at, zone)
        yield Words(f"Beitreten kann man bis zum {at.de}.", f"You can join until {at.en}.")


def _passing(definition: Definition) -> Iterator[Words]:
    length, count = definition.periods_per_stage, definition.stage_count
    periods = Words(
        "einen Abrechnungszeitraum" if length == 1 else f"{length} Abrechnungszeiträume",
        "one billing period" if length == 1 else f"{length} billing periods",
    )
    stages = Words(
        "Es gibt eine Stufe; sie dauert" if count == 1 else f"Es gibt {count} Stufen; jede dauert",
        "There is one stage; it lasts" if count == 1 else f"There are {count} stages; each lasts",
    )
    yield Words(f"{stages.de} {periods.de}.", f"{stages.en} {periods.en}.")
    yield Words(
        "Ihr erster Zeitraum ist der, in dem Sie beitreten. Was davor war, zählt nicht gegen Sie.",
        "Your first period is the one in which you join. What happened before does not count against you.",
    )
    done, most = times(definition.activities_min), definition.contacts_max
    match most:
        case 0:
            contacts = Words("kein Kontakt zählt", "no contact counts")
        case 1:
            contacts = Words("höchstens ein Kontakt zählt", "at most one contact counts")
        case _:
            contacts = Words(f"höchstens {most} Kontakte zählen", f"at most {most} contacts count")
    if definition.activities_min:
        yield Words(
            f"Eine Stufe ist bestanden, wenn Sie darin mindestens {done.de} etwas online erledigen "
            f"und {contacts.de}.",
            f"A stage is passed when you do something online at least {done.en} in it and {contacts.en}.",
        )
    else:
        yield Words(
            f"Eine Stufe ist bestanden, wenn darin {contacts.de}.",
            f"A stage is passed when {contacts.en} in it.",
        )
    hours = _hours(definition.settle_delay_hours)
    yield Words(
        f"Was uns später als {hours.de} nach dem Ende einer Stufe erreicht, zählt nicht mehr gegen Sie. "
        "Zu Ihren Gunsten wird es auch dann noch berücksichtigt.",
        f"What reaches us later than {hours.en} after the end of a stage no longer counts against you. "
        "In your favour it is still taken into account.",
    )


def _hours(hours: int) -> Words:
    if hours == 1:
        return Words("eine Stunde", "one hour")
    return Words(f"{hours} Stunden", f"{hours} hours")


def _releasing(definition: Definition) -> Iterator[Words]:
    yield Words(
        "Eine bestandene Stufe bringt für jeden Abrechnungszeitraum danach Volumen, so viele Zeiträume lang, "
        "wie die Stufe gedauert hat. Wie viel, steht in der Tabelle.",
        "A passed stage brings volume for each billing period after it, for as many periods as the stage "
        "lasted. The table says how much.",
    )
    if definition.release == ReleaseRule.ACTIVITY:
        yield Words(
            "Es kommt, sobald Sie in dem Zeitraum das erste Mal etwas online erledigen, und zwar sofort. "
            "Erledigen Sie darin nichts online, verfällt der Anteil dieses Zeitraums.",
            "It comes as soon as you do something online for the first time in that period, and at once. "
            "If you do nothing online in it, the share of that period lapses.",
        )
    else:
        yield Words(
            "Es kommt am ersten Tag jedes dieser Zeiträume von selbst.",
            "It comes by itself on the first day of each of these periods.",
        )
    yield Words(
        "Nutzbar ist es bis zum Ende des laufenden Abrechnungszeitraums. Vor jeder Gutschrift sagen wir "
        "Ihnen, wie lange das noch ist.",
        "It is usable until the end of the running billing period. Before each credit we tell you how long "
        "that will be.",
    )
    yield Words("Verbraucht wird immer zuerst, was zuerst endet.", "What ends first is always used up first.")
    cap = volume(definition.cap_bytes)
    yield Words(
        f"Insgesamt gibt es höchstens {cap.de} je Teilnahme.",
        f"In all there is at most {cap.en} each time you take part.",
    )


def _missing(definition: Definition) -> tuple[Words, ...]:
    first = Words(
        "Eine verfehlte Stufe bringt kein Volumen. Die nächste Stufe beginnt trotzdem ganz normal.",
        "A missed stage brings no volume. The next stage begins all the same.",
    )
    match definition.on_missed_stage:
        case MissedStageRule.REPEAT:
            second = Words(
                "Sie bringt dann so viel, wie die verfehlte gebracht hätte.",
                "It then brings as much as the missed one would have.",
            )
        case MissedStageRule.RESET:
            second = Words(
                "Sie bringt dann so viel wie Stufe 1; von dort geht es wieder aufwärts.",
                "It then brings as much as stage 1, and from there it rises again.",
            )
        case _:
            second = Words(
                "Sie bringt so viel, wie für sie vorgesehen ist, als wäre nichts gewesen.",
                "It brings as much as is planned for it, as if nothing had happened.",
            )
    return first, second


def _keeping(definition: Definition) -> tuple[Words, ...]:
    days = definition.close_after_days
    return (
        Words(
            "Die Hotline bleibt für Sie offen wie bisher. Anrufen dürfen Sie immer, auch mitten in "
            "einer Stufe.",
            "The hotline stays open to you as before. You can always call, even in the middle of a stage.",
        ),
        Words(
            "Was gutgeschrieben ist, nehmen wir nie zurück; auch nicht, wenn Sie die Teilnahme beenden.",
            "What has been credited we never take back, not even when you end your part.",
        ),
        Words(
            "Für Sie gelten die Regeln der Fassung, mit der Sie begonnen haben. Neue Fassungen ändern "
            "daran nichts.",
            "The rules of the version you began with apply to you. New versions do not change that.",
        ),
        Words(
            f"{days} Tage nach dem Ende des letzten Zeitraums schließen wir die Teilnahme ab; danach wird "
            "nichts mehr entschieden.",
            f"{days} days after the end of the last period we close your participation; nothing is decided "
            "after that.",
        ),
    )


def _deciding() -> tuple[Words, ...]:
    return (
        Words(
            "Ob etwas zählt, entscheidet ein Computer nach diesen Regeln. Bei jedem Kontakt steht auf Ihrer "
            "Bonusseite, ob er zählt und warum.",
            "Whether something counts is decided by a computer that follows these rules. Your rewards page "
            "says of each contact whether it counts, and why.",
        ),
        Words(
            "Stimmt etwas nicht, sagen Sie es uns dort mit zwei Fingertipps. Ein Mensch prüft es und "
            "antwortet.",
            "If something is wrong, tell us there in two taps. A person will look at it and answer.",
        ),
        Words("Im Zweifel gilt, was für Sie besser ist.", "In doubt, what is better for you applies."),
    )
