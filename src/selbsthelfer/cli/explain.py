"""The command that explains one line: to staff in a terminal, or to a machine as JSON."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from django.db import transaction
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from selbsthelfer.allowances.queries import Allowance
from selbsthelfer.cli.connecting import TablesOutOfDateError, connect
from selbsthelfer.cli.telling import refuse
from selbsthelfer.kit.embedded import EmbeddedServerError
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.kit.wording import Language, Words, days, last_day, moment, volume
from selbsthelfer.programmes.core.history import Variant
from selbsthelfer.programmes.core.wording_contacts import channel_name, contact_sentence, topic_name
from selbsthelfer.programmes.core.wording_facts import (
    Period,
    Phase,
    ToldContact,
    ToldEnrolment,
    ToldStage,
    Tranche,
)
from selbsthelfer.programmes.core.wording_stages import PHASES, STAGE_STATES, next_step, stage_sentence
from selbsthelfer.programmes.core.wording_tranches import BUCKET_KINDS, tranche_sentence
from selbsthelfer.programmes.explaining import Explanation, UnknownLineError, explain_to_staff, find_line

MAX_COLUMNS: Final = 100
"""Longer lines are hard to read, however wide the terminal is."""
_STYLES: Final = {"passed": "green", "missed": "red", "open": "bold", "current": "bold"}


def command(
    line: Annotated[str, typer.Argument(help="The operator's own id of the line, or its MSISDN.")],
    language: Annotated[Language, typer.Option(help="The language of the sentences.")] = Language.GERMAN,
    programme: Annotated[str | None, typer.Option(help="Only this programme.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="As known at this instant (RFC 3339), not now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for a machine.")] = False,
) -> None:
    """Explain where a line stands: periods, stages, contacts and grants, each with its reason."""
    instant = _instant(at)
    try:
        connect()
        with transaction.atomic():
            cursor = open_cursor()
            explanation = explain_to_staff(cursor, find_line(cursor, line), at=instant, programme=programme)
    except UnknownLineError:
        refuse(f"There is no line “{line}”" + (f" that was known at {at}." if at else "."))
    except (TablesOutOfDateError, EmbeddedServerError) as error:
        refuse(str(error))
    if as_json:
        typer.echo(json.dumps(to_json(explanation, language), ensure_ascii=False))
    else:
        console = Console(highlight=False)
        console.width = min(console.width, MAX_COLUMNS)
        _Report(console, explanation.timezone, language).write(explanation)


def _instant(text: str | None) -> datetime:
    """Read an instant; one without an offset is UTC."""
    if text is None:
        return datetime.now(UTC)
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(f"“{text}” is not an instant such as 2026-03-01T00:00:00Z.")


class _Report:
    """Writes an explanation to a terminal; every state is a word, so that it reads without colour too."""

    def __init__(self, console: Console, zone: str, language: Language) -> None:
        self.console = console
        self.zone = zone
        self.language = language

    def tell(self, words: Words) -> str:
        return words.told(self.language)

    def say(self, text: str | Text, indent: int = 0) -> None:
        self.console.print(
            Padding(Text(text) if isinstance(text, str) else text, (0, 0, 0, indent), expand=False)
        )

    def head(self, text: str, indent: int = 0) -> None:
        self.console.print()
        self.say(Text(text, style="bold"), indent)

    def write(self, explanation: Explanation) -> None:
        at = moment(explanation.at, self.zone)
        subject = explanation.subject
        self.say(Text(self.tell(Words(f"Anschluss {subject}", f"Line {subject}")), style="bold"))
        self.say(self.tell(Words(f"Stand: {at.de} ({self.zone})", f"As known on {at.en} ({self.zone})")))
        if explanation.ended_at is not None:
            ended = moment(explanation.ended_at, self.zone)
            self.say(
                self.tell(Words(f"Der Anschluss endete am {ended.de}.", f"The line ended on {ended.en}."))
            )
        self.allowance(explanation.allowance)
        for enrolment in explanation.enrolments:
            self.enrolment(enrolment)
        if not explanation.enrolments:
            self.head(self.tell(Words("Keine Teilnahme", "Takes no part")))

    def allowance(self, allowance: Allowance) -> None:
        usable = allowance.usable_bytes
        size = Words("unbegrenzt", "unlimited") if usable is None else volume(usable)
        self.head(self.tell(Words(f"Jetzt nutzbar: {size.de}", f"Usable now: {size.en}")))
        for bucket in allowance.buckets:
            left, whole = volume(bucket.left_bytes), volume(bucket.size_bytes)
            until = last_day(bucket.valid_until, self.zone)
            rests = Words(" (ruht)", " (rests)") if bucket.is_resting else Words("", "")
            kind = BUCKET_KINDS[bucket.kind]
            told = Words(
                f"{kind.de}: {left.de} von {whole.de}, bis {until.de}{rests.de}",
                f"{kind.en}: {left.en} of {whole.en}, until {until.en}{rests.en}",
            )
            self.say(self.tell(told), 2)

    def enrolment(self, enrolment: ToldEnrolment) -> None:
        since = moment(enrolment.enrolled_at, self.zone)
        earned, cap = volume(enrolment.earned_bytes), volume(enrolment.cap_bytes)
        rules = f"{enrolment.programme}, {self.tell(Words('Fassung', 'version'))} {enrolment.version}"
        self.head(self.tell(enrolment.title))
        self.say(f"{rules} ({enrolment.digest[:12]})", 2)
        variant = enrolment.variant.value
        self.say(
            self.tell(Words(f"Seit {since.de}, Variante {variant}", f"Since {since.en}, variant {variant}")),
            2,
        )
        if enrolment.variant is Variant.CONTROL:
            told = Words(
                "Vergleichsgruppe: Wer diesen Anschluss hat, erfährt von diesem Programm nichts.",
                "Control group: whoever has this line is told nothing of this programme.",
            )
            self.say(Text(self.tell(told), style="bold"), 2)
        else:
            told = Words(
                f"Erhalten: {earned.de} von höchstens {cap.de}", f"Received: {earned.en} of at most {cap.en}"
            )
            self.say(self.tell(told), 2)
            self.say(self.tell(next_step(enrolment, self.zone)), 2)
        for stage in enrolment.stages:
            self.stage(stage, enrolment)
        self.head(self.tell(Words("Auszahlung der letzten Stufe", "Payout of the last stage")), 2)
        self.periods(enrolment.closing_periods, enrolment)
        self.contacts(enrolment)

    def stage(self, stage: ToldStage, enrolment: ToldEnrolment) -> None:
        head = Text(self.tell(Words(f"Stufe {stage.window}", f"Stage {stage.window}")), style="bold")
        head.append("  ")
        head.append(self.tell(STAGE_STATES[stage.state]), style=_STYLES[stage.state.value])
        head.append(f"  {self.tell(days(stage.starts_at, stage.ends_at, self.zone))}", style="not bold")
        self.console.print()
        self.say(head, 2)
        self.say(self.tell(stage_sentence(stage, enrolment, self.zone)), 4)
        self.periods(enrolment.periods_of_window(stage.window), enrolment)

    def periods(self, periods: tuple[Period, ...], enrolment: ToldEnrolment) -> None:
        for period in periods:
            span = self.tell(days(period.starts_at, period.ends_at, self.zone))
            done = len(period.activities)
            row = Text(f"{period.index:>2}  {span}  ")
            row.append(self.tell(PHASES[period.phase]), "bold" if period.phase is Phase.CURRENT else "dim")
            if done:
                row.append(self.tell(Words(f", {done}-mal online erledigt", f", {done} done online")), "dim")
            self.say(row, 4)
            if period.tranche is not None:
                self.tranche(period.tranche, enrolment)

    def tranche(self, tranche: Tranche, enrolment: ToldEnrolment) -> None:
        self.say(self.tell(tranche_sentence(tranche, enrolment, self.zone)), 8)

    def contacts(self, enrolment: ToldEnrolment) -> None:
        self.head(self.tell(Words("Kontakte", "Contacts")), 2)
        if not enrolment.contacts:
            self.say(self.tell(Words("keine", "none")), 4)
        for contact in enrolment.contacts:
            self.contact(contact)

    def contact(self, contact: ToldContact) -> None:
        at, topic = moment(contact.happened_at, self.zone), topic_name(contact.topic)
        parts = (at, channel_name(contact.channel), topic)
        self.say(" · ".join(self.tell(part) for part in parts), 4)
        verdict = Words("zählt", "counts")
        if contact.code is not None:
            verdict = Words(f"zählt nicht ({contact.code})", f"does not count ({contact.code})")
        told = Text(self.tell(verdict), style="red" if contact.counts else "green")
        sentence = contact_sentence(contact.ground, contact.channel, self.zone)
        told.append(f": {self.tell(sentence)}", style="default")
        self.say(told, 6)


def to_json(explanation: Explanation, language: Language) -> dict[str, Any]:
    """Lay out an explanation for a machine: instants in UTC by RFC 3339, the sentences in one language."""
    zone = explanation.timezone

    def enrolment(told: ToldEnrolment) -> dict[str, Any]:
        plain: dict[str, Any] = _plain(told, language)
        plain["next_step"] = next_step(told, zone).told(language)
        for members, stage in zip(plain["stages"], told.stages, strict=True):
            members["sentence"] = stage_sentence(stage, told, zone).told(language)
        for members, contact in zip(plain["contacts"], told.contacts, strict=True):
            sentence = contact_sentence(contact.ground, contact.channel, zone)
            members |= {"counts": contact.counts, "sentence": sentence.told(language)}
        for members, period in zip(plain["periods"], told.periods, strict=True):
            if period.tranche is not None:
                sentence = tranche_sentence(period.tranche, told, zone)
                members["tranche"]["sentence"] = sentence.told(language)
        return plain

    return {
        **_plain(explanation, language),
        "usable_bytes": explanation.allowance.usable_bytes,
        "enrolments": [enrolment(told) for told in explanation.enrolments],
    }


def _plain(value: Any, language: Language) -> Any:
    """Turn a value into what JSON knows."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Words():
            return value.told(language)
        case Enum():
            return value.value
        case UUID():
            return str(value)
        case tuple() if hasattr(value, "_asdict"):
            return {name: _plain(member, language) for name, member in value._asdict().items()}
        case tuple():
            return [_plain(member, language) for member in value]
        case _ if is_dataclass(value):
            return {f.name: _plain(getattr(value, f.name), language) for f in fields(value)}
        case _:
            return value
