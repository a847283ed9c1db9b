"""What is asked of somebody who writes: as little as an answer needs."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from django import forms

from selbsthelfer.conversations.core.cases import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS, CaseKind
from selbsthelfer.kit.wording import Words
from selbsthelfer.outbox.core.messages import MAX_ADDRESS_CHARACTERS
from selbsthelfer.portal.languages import both, tell

MAX_POSTCODE_CHARACTERS: Final = 5
MAX_WALK_CHARACTERS: Final = 200
"""Of the answers of a diagnosis."""

_OTHER: Final = ""
TOPICS: Final = (
    ("bill.view", both("Rechnung", "Bill")),
    ("use.view", both("Datenvolumen und Verbrauch", "Data volume and usage")),
    ("con.view", both("Vertrag, Tarif und Optionen", "Contract, tariff and options")),
    ("sim.replace", both("SIM-Karte und eSIM", "SIM card and eSIM")),
    ("call.forward", both("Anrufe und Mailbox", "Calls and voicemail")),
    ("roam.info", both("Ausland", "Abroad")),
    ("fault", both("Netz und Störungen", "Network and faults")),
    ("porting", both("Rufnummernmitnahme und Umzug", "Moving a number or moving home")),
    ("privacy", both("Datenschutz", "Data protection")),
    ("accessibility", both("Barrierefreiheit und Assistenz", "Accessible service and assistance")),
    ("hardship", both("Besondere Lebenslage", "Special personal situation")),
    (_OTHER, both("Etwas anderes", "Something else")),
)
"""What a message may be about."""
SYMPTOMS: Final = {
    "network": Words("Kein Netz", "No reception"),
    "calls": Words("Anrufe gehen nicht", "Calls do not work"),
    "data": Words("Mobile Daten gehen nicht", "Mobile data do not work"),
    "slow": Words("Das Internet ist langsam", "The internet is slow"),
    "other": Words("Etwas anderes", "Something else"),
}
"""What a fault may look like."""

_TOO_LONG: Final = both(
    "Das ist zu lang: höchstens %(limit_value)d Zeichen.",
    "This is too long: at most %(limit_value)d characters.",
)
_NO_TEXT: Final = both("Bitte schreiben Sie, worum es geht.", "Please write what it is about.")
_TOO_OLD: Final = both(
    "Diese Seite war nicht mehr frisch. Bitte senden Sie sie noch einmal.",
    "This page was no longer fresh. Please send it once more.",
)


def text_field(german: str, english: str) -> forms.CharField:
    return forms.CharField(
        label=both(german, english),
        max_length=MAX_TEXT_CHARACTERS,
        error_messages={"required": _NO_TEXT, "max_length": _TOO_LONG},
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class KeyedForm(forms.Form):
    """A form that is carried out once, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean(self) -> dict[str, Any]:
        if "key" in self.errors:
            self.add_error(None, _TOO_OLD)
        return super().clean() or {}


class WrittenForm(KeyedForm):
    """Something written, as a case of `kind`."""

    kind: CaseKind
    text = text_field("Ihre Nachricht", "Your message")

    @property
    def topic(self) -> str | None:
        """What the case is about, as an id of the catalogue or of an exempt topic."""
        return None

    @property
    def written(self) -> str:
        """All that is written into the case."""
        return str(self.cleaned_data["text"])

    @property
    def name(self) -> str | None:
        return self.cleaned_data.get("name") or None

    @property
    def to(self) -> str | None:
        return self.cleaned_data.get("email") or None


def name_field() -> forms.CharField:
    return forms.CharField(
        label=both("Ihr Name", "Your name"),
        max_length=MAX_NAME_CHARACTERS,
        error_messages={
            "required": both("Bitte sagen Sie uns Ihren Namen.", "Please tell us your name."),
            "max_length": _TOO_LONG,
        },
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


def email_field() -> forms.EmailField:
    wrong = both(
        "Bitte geben Sie eine E-Mail-Adresse wie name@beispiel.de ein.",
        "Please enter an e-mail address such as name@example.com.",
    )
    return forms.EmailField(
        label=both("Ihre E-Mail-Adresse", "Your e-mail address"),
        help_text=both("Dorthin kommen Beleg und Antwort.", "Receipt and answer go there."),
        max_length=MAX_ADDRESS_CHARACTERS,
        error_messages={"required": wrong, "invalid": wrong, "max_length": _TOO_LONG},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class MessageForm(WrittenForm):
    """A message of somebody who is signed in."""

    kind = CaseKind.MESSAGE
    chosen_topic = forms.ChoiceField(
        label=both("Worum geht es?", "What is it about?"), choices=TOPICS, required=False
    )
    field_order = ("name", "email", "chosen_topic", "text", "key")

    @property
    def topic(self) -> str | None:
        return self.cleaned_data["chosen_topic"] or None


class StrangerMessageForm(MessageForm):
    """A message of somebody who is not signed in."""

    name = name_field()  # type: ignore[assignment]
    email = email_field()


class ComplaintForm(WrittenForm):
    """A complaint of somebody who is signed in."""

    kind = CaseKind.COMPLAINT
    text = text_field("Was ist schiefgelaufen?", "What went wrong?")
    field_order = ("name", "email", "text", "wanted", "key")
    wanted = forms.CharField(
        label=both("Was sollen wir tun?", "What should we do?"),
        help_text=both("Freiwillig", "Optional"),
        required=False,
        max_length=500,
        error_messages={"max_length": _TOO_LONG},
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @property
    def topic(self) -> str | None:
        return "complaint"

    @property
    def written(self) -> str:
        wanted = self.cleaned_data["wanted"]
        if not wanted:
            return super().written
        label = tell(Words("Gewünscht", "Wanted"))
        return f"{super().written}\n\n{label}: {wanted}"


class StrangerComplaintForm(ComplaintForm):
    """A complaint of somebody who is not signed in."""

    name = name_field()  # type: ignore[assignment]
    email = email_field()


class ObjectionForm(WrittenForm):
    """An objection to a bill."""

    kind = CaseKind.OBJECTION
    text = text_field("Was stimmt an der Rechnung nicht?", "What is wrong with the bill?")
    field_order = ("text", "key")

    @property
    def topic(self) -> str | None:
        return "objection"


class FaultForm(WrittenForm):
    """The report of a fault, with the place and what was tried already."""

    kind = CaseKind.FAULT
    text = text_field("Was haben Sie bemerkt?", "What have you noticed?")
    symptom = forms.ChoiceField(
        label=both("Was geht nicht?", "What does not work?"),
        choices=[(name, both(words.de, words.en)) for name, words in SYMPTOMS.items()],
    )
    postcode = forms.RegexField(
        regex=r"^[0-9]{5}$",
        label=both("Postleitzahl des Ortes", "Postcode of the place"),
        error_messages={
            name: both("Bitte geben Sie fünf Ziffern ein.", "Please enter five digits.")
            for name in ("required", "invalid", "max_length")
        },
        max_length=MAX_POSTCODE_CHARACTERS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "short"}),
    )
    walk = forms.CharField(required=False, max_length=MAX_WALK_CHARACTERS, widget=forms.HiddenInput)
    field_order = ("symptom", "postcode", "text", "walk", "key")

    @property
    def topic(self) -> str | None:
        return "fault"

    @property
    def written(self) -> str:
        data = self.cleaned_data
        return f"{tell(SYMPTOMS[data['symptom']])} · {data['postcode']}\n\n{super().written}"


class ReplyForm(WrittenForm):
    """One more message in a case."""

    kind = CaseKind.MESSAGE
