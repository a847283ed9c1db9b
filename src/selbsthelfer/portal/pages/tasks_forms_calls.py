"""The orders about calls and use abroad: forwarding, voicemail, barred numbers, data roaming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.languages import both
from selbsthelfer.portal.pages.tasks_forms import NO, YES, Offered, detail, hidden_choice, text_field
from selbsthelfer.portal.pages.tasks_forms_account import SettingsForm
from selbsthelfer.selfservice.core.checking import (
    MAX_BARRED,
    MAX_TYPED,
    VOICEMAIL_SECONDS,
    WrongInputError,
    checked_phone,
    shown_phone,
)
from selbsthelfer.selfservice.core.order_details import FORWARD_WHEN
from selbsthelfer.selfservice.core.orders import BarNumber, Order, SetForwarding, SetVoicemail, SwitchRoaming
from selbsthelfer.selfservice.core.records import ForwardWhen, LineSettings
from selbsthelfer.selfservice.core.results import Detail


def _capital(words: Words) -> Words:
    return Words(words.de[:1].upper() + words.de[1:], words.en[:1].upper() + words.en[1:])


class ForwardingForm(SettingsForm):
    activity = "call.forward"
    lead = Words(
        "Leiten Sie Anrufe an eine andere Nummer weiter.", "Have your calls forwarded to another number."
    )
    form_title = Words("Umleitung einrichten", "Set up forwarding")
    submit = Words("Umleitung einschalten", "Turn forwarding on")

    when = forms.ChoiceField(
        label=both("Wann umleiten?", "Forward when?"),
        choices=[
            (when.value, both(_capital(words).de, _capital(words).en)) for when, words in FORWARD_WHEN.items()
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": both("Bitte wählen Sie, wann umgeleitet wird.", "Please choose when to forward."),
        },
    )
    to = text_field(
        "Zielnummer",
        "Number to forward to",
        hint=("Mit Vorwahl, zum Beispiel 0221 4710123", "With its area code, for example 0221 4710123"),
        longest=MAX_TYPED,
        is_needed=False,
        attributes={"type": "tel", "inputmode": "tel", "autocomplete": "off"},
    )
    off = hidden_choice(YES, is_needed=False)

    def facts(self) -> Sequence[Detail]:
        none = Words("nicht umgeleitet", "not forwarded")
        forwarding = self.reading.forwarding
        return [
            Detail(
                _capital(words),
                Words(
                    f"an {shown_phone(forwarding[when])}",
                    f"to {shown_phone(forwarding[when])}",
                )
                if when in forwarding
                else none,
            )
            for when, words in FORWARD_WHEN.items()
        ]

    def offered(self) -> Sequence[Offered]:
        return [
            Offered(
                Words(f"Umleitung ausschalten: {words.de}", f"Turn forwarding off: {words.en}"),
                [("when", when.value), ("off", YES)],
                is_second=True,
            )
            for when, words in FORWARD_WHEN.items()
            if when in self.reading.forwarding
        ]

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Wenn Sie die Umleitung einschalten, gilt sie sofort. Ein weitergeleiteter Anruf kostet dann "
                "so viel, als hätten Sie die Zielnummer selbst angerufen.",
                "If you turn forwarding on, it applies at once. A forwarded call then costs as much as if "
                "you had called that number yourself.",
            )
        ]

    def clean(self) -> dict[str, Any]:
        """Tell what is wrong with the number also where it has not been chosen when to forward."""
        if self.cleaned_data.get("off") != YES and "to" in self.cleaned_data:
            try:
                self._number()
            except WrongInputError as wrong:
                self.refuse(wrong.reason, wrong.field)
        return super().clean()

    def order(self) -> Order:
        when = ForwardWhen(self.cleaned_data["when"])
        return SetForwarding(when, None if self.cleaned_data["off"] == YES else self._number())

    def _number(self) -> str:
        """Read the number to forward to; raises `WrongInputError`."""
        if not self.cleaned_data["to"]:
            raise WrongInputError("to", "Bitte geben Sie die Zielnummer an.", "Please give the number.")
        return checked_phone(self.cleaned_data["to"], field="to")


class VoicemailForm(SettingsForm):
    activity = "call.voicemail"
    lead = Words(
        "Stellen Sie ein, ob und wann Ihre Mailbox abnimmt.",
        "Choose whether and when your voicemail answers.",
    )
    form_title = Words("Mailbox einstellen", "Set voicemail")
    submit = Words("Mailbox einstellen", "Set voicemail")

    on = forms.ChoiceField(
        label=both("Mailbox", "Voicemail"),
        choices=[(YES, both("Einschalten", "On")), (NO, both("Ausschalten", "Off"))],
        widget=forms.RadioSelect,
        error_messages={"required": both("Bitte wählen Sie.", "Please choose.")},
    )
    seconds = forms.TypedChoiceField(
        label=both("Nach wie vielen Sekunden abnehmen?", "Answer after how many seconds?"),
        choices=[
            (str(seconds), both(f"{seconds} Sekunden", f"{seconds} seconds")) for seconds in VOICEMAIL_SECONDS
        ],
        coerce=int,
        widget=forms.Select(attrs={"class": "short"}),
    )
    tells_by_text = forms.BooleanField(
        label=both("Per SMS sagen, dass jemand angerufen hat", "Send a text when somebody has called"),
        required=False,
    )

    @classmethod
    def first_values(cls, reading: LineSettings) -> dict[str, Any]:
        voicemail = reading.voicemail
        return {
            "on": YES if voicemail.is_on else NO,
            "seconds": str(voicemail.seconds),
            "tells_by_text": voicemail.tells_by_text,
        }

    def facts(self) -> Sequence[Detail]:
        voicemail = self.reading.voicemail
        if not voicemail.is_on:
            return [detail("Mailbox", "Voicemail", Words("ausgeschaltet", "off"))]
        wait = Words(f"nach {voicemail.seconds} Sekunden", f"after {voicemail.seconds} seconds")
        text = Words("ja", "yes") if voicemail.tells_by_text else Words("nein", "no")
        return [
            detail("Mailbox", "Voicemail", Words("eingeschaltet", "on")),
            detail("Nimmt ab", "Answers", wait),
            detail("Hinweis per SMS", "Text message", text),
        ]

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Was Sie einstellen, gilt sofort und kostet nichts.",
                "What you set applies at once and is free.",
            )
        ]

    def order(self) -> Order:
        return SetVoicemail(
            on=self.cleaned_data["on"] == YES,
            seconds=self.cleaned_data["seconds"],
            tells_by_text=self.cleaned_data["tells_by_text"],
        )


class BarringForm(SettingsForm):
    activity = "call.block"
    lead = Words(
        "Anrufe und SMS von gesperrten Nummern erreichen Sie nicht mehr.",
        "Calls and texts from barred numbers no longer reach you.",
    )
    form_title = Words("Eine Nummer sperren", "Bar a number")
    submit = Words("Nummer sperren", "Bar number")

    number = text_field(
        "Rufnummer",
        "Phone number",
        missing=("Bitte geben Sie die Rufnummer an.", "Please give the phone number."),
        hint=(
            f"Mit Vorwahl, zum Beispiel 0221 4710123. Höchstens {MAX_BARRED} Nummern.",
            f"With its area code, for example 0221 4710123. At most {MAX_BARRED} numbers.",
        ),
        longest=MAX_TYPED,
        attributes={"type": "tel", "inputmode": "tel", "autocomplete": "off"},
    )
    through = hidden_choice(YES, is_needed=False)

    def facts(self) -> Sequence[Detail]:
        count = len(self.reading.barred_numbers)
        none, many = Words("keine", "none"), Words(f"{count} von {MAX_BARRED}", f"{count} of {MAX_BARRED}")
        return [detail("Gesperrte Nummern", "Barred numbers", many if count else none)]

    def offered(self) -> Sequence[Offered]:
        return [
            Offered(
                Words(f"{shown_phone(number)} wieder zulassen", f"Let {shown_phone(number)} through again"),
                [("number", number), ("through", YES)],
                is_second=True,
            )
            for number in self.reading.barred_numbers
        ]

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Wenn Sie eine Nummer sperren, gilt das sofort. Sie können sie jederzeit wieder zulassen.",
                "If you bar a number, that applies at once. You can let it through again whenever you like.",
            )
        ]

    def order(self) -> Order:
        number = checked_phone(self.cleaned_data["number"], field="number")
        return BarNumber(number=number, barred=self.cleaned_data["through"] != YES)


class RoamingForm(SettingsForm):
    activity = "roam.switch"
    lead = Words(
        "Mit Datenroaming haben Sie auch im Ausland Internet.",
        "With data roaming you have internet abroad too.",
    )
    related = ("roam.info",)

    on = hidden_choice(YES, NO)

    def facts(self) -> Sequence[Detail]:
        on = self.reading.is_roaming_on
        told = Words("eingeschaltet", "on") if on else Words("ausgeschaltet", "off")
        return [detail("Datenroaming", "Data roaming", told)]

    def offered(self) -> Sequence[Offered]:
        if self.reading.is_roaming_on:
            note = Words(
                "Wenn Sie es ausschalten: Im Ausland gibt es dann kein Internet über das Mobilfunknetz. "
                "Anrufe und SMS gehen weiter.",
                "If you turn it off: abroad there will be no mobile internet. Calls and texts still work.",
            )
            return [
                Offered(
                    Words("Datenroaming ausschalten", "Turn data roaming off"), [("on", NO)], notes=[note]
                )
            ]
        note = Words(
            "Wenn Sie es einschalten: In der EU gilt Ihr Tarif wie zu Hause. In anderen Ländern kostet es "
            "extra; die Preise stehen unter „Roaming-Preise“.",
            "If you turn it on: in the EU your tariff works as at home. In other countries it costs extra; "
            "see “Roaming prices”.",
        )
        return [
            Offered(Words("Datenroaming einschalten", "Turn data roaming on"), [("on", YES)], notes=[note])
        ]

    def order(self) -> Order:
        return SwitchRoaming(on=self.cleaned_data["on"] == YES)
