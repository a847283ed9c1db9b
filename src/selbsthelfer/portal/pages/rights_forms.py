"""What the law has people say to cancel, to withdraw or to block a SIM, and nothing more."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from django import forms

from selbsthelfer.conversations.core.cases import MAX_NAME_CHARACTERS
from selbsthelfer.conversations.core.declarations import (
    MAX_FIELD_CHARACTERS,
    MAX_GROUND_CHARACTERS,
    CancellationDetails,
    ConfirmBy,
    DeclarationError,
    Notice,
    WithdrawalDetails,
)
from selbsthelfer.identity.core.numbers import MAX_NUMBER_CHARACTERS, read_number
from selbsthelfer.portal.languages import both
from selbsthelfer.privacy.core.purposes import PURPOSES

MAX_CODE: Final = 12
"""Characters of a customer code as it is typed."""

PROBLEMS: Final = {
    "missing": both("Diese Angabe fehlt noch.", "This is still missing."),
    "too_long": both("Das ist zu lang.", "This is too long."),
    "unusable": both("Das ist keine E-Mail-Adresse.", "This is not an e-mail address."),
}
"""What is wrong with a field of a declaration, by the code of the rule."""


class KeyedForm(forms.Form):
    """A form that is carried out once, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class _Declaring(KeyedForm):
    """Who declares something about which contract, and where the confirmation goes."""

    name = forms.CharField(
        label=both("Ihr Name", "Your name"),
        max_length=MAX_NAME_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    contract = forms.CharField(
        label=both("Welcher Vertrag?", "Which contract?"),
        help_text=both(
            "Rufnummer, Kundennummer oder Vertragsnummer: eine davon genügt.",
            "Phone number, customer number or contract number: one of them is enough.",
        ),
        max_length=MAX_FIELD_CHARACTERS,
    )
    confirm_by = forms.ChoiceField(
        label=both("Bestätigung", "Confirmation"),
        choices=[
            (ConfirmBy.EMAIL.value, both("per E-Mail, sofort", "by e-mail, at once")),
            (ConfirmBy.POST.value, both("per Post", "by post")),
        ],
        widget=forms.RadioSelect,
        initial=ConfirmBy.EMAIL.value,
    )
    confirm_to = forms.CharField(
        label=both("E-Mail-Adresse oder Anschrift", "E-mail address or postal address"),
        max_length=MAX_FIELD_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = PROBLEMS["missing"]

    def declared(self) -> CancellationDetails | WithdrawalDetails | None:
        """Make the declaration of what was entered; none where a field cannot be used, which it tells."""
        try:
            return self.declare()
        except DeclarationError as error:
            for field, code in error.problems.items():
                self.add_error(field, PROBLEMS[code])
            return None

    def declare(self) -> CancellationDetails | WithdrawalDetails:
        raise NotImplementedError


class CancelForm(_Declaring):
    """A cancellation with what § 312k (2) BGB asks for."""

    notice = forms.ChoiceField(
        label=both("Art der Kündigung", "Kind of cancellation"),
        choices=[
            (Notice.ORDINARY.value, both("Ordentlich, zum Ende der Frist", "With notice, at its end")),
            (Notice.EXTRAORDINARY.value, both("Außerordentlich, aus wichtigem Grund", "At once, for cause")),
        ],
        widget=forms.RadioSelect,
        initial=Notice.ORDINARY.value,
    )
    reason = forms.CharField(
        label=both("Grund", "Cause"),
        help_text=both(
            "Nur bei einer außerordentlichen Kündigung nötig.", "Needed only when you cancel for cause."
        ),
        max_length=MAX_GROUND_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    ends_on = forms.DateField(
        label=both("Wann soll der Vertrag enden?", "When shall the contract end?"),
        help_text=both("Leer heißt: so früh wie möglich.", "Empty means: as early as possible."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    field_order = ("notice", "reason", "name", "contract", "ends_on", "confirm_by", "confirm_to", "key")

    def declare(self) -> CancellationDetails:
        told = self.cleaned_data
        return CancellationDetails(
            name=told["name"],
            contract=told["contract"],
            notice=Notice(told["notice"]),
            reason=told["reason"],
            ends_on=told["ends_on"],
            confirm_by=ConfirmBy(told["confirm_by"]),
            confirm_to=told["confirm_to"],
        )


class WithdrawForm(_Declaring):
    """A withdrawal with what § 356a BGB asks for."""

    ordered_on = forms.DateField(
        label=both("Bestellt am", "Ordered on"),
        help_text=both("Wenn Sie es wissen.", "If you know."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    field_order = ("name", "contract", "ordered_on", "confirm_by", "confirm_to", "key")

    def declare(self) -> WithdrawalDetails:
        told = self.cleaned_data
        return WithdrawalDetails(
            name=told["name"],
            contract=told["contract"],
            ordered_on=told["ordered_on"],
            received_on=None,
            confirm_by=ConfirmBy(told["confirm_by"]),
            confirm_to=told["confirm_to"],
        )


class ConsentsForm(KeyedForm):
    """What somebody agrees to, one box for each purpose; nothing is ticked beforehand."""

    purposes = forms.MultipleChoiceField(
        label=both("Ich bin einverstanden mit", "I agree to"),
        choices=[(purpose.value, both(text.title.de, text.title.en)) for purpose, text in PURPOSES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


class EraseForm(KeyedForm):
    """The last question before data are erased."""

    is_sure = forms.BooleanField(
        label=both("Ja, das alles löschen und mich abmelden", "Yes, erase all this and sign me out"),
        error_messages={
            "required": both(
                "Bitte bestätigen Sie mit dem Haken, dass alles gelöscht werden soll.",
                "Please tick the box to confirm that all this shall be erased.",
            )
        },
    )


class BlockSimForm(KeyedForm):
    """Block the SIM of a line from any phone: its number, and the code by which the customer is known."""

    number = forms.CharField(
        label=both("Rufnummer der SIM", "Number of the SIM"),
        max_length=MAX_NUMBER_CHARACTERS,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    code = forms.CharField(
        label=both("Kundenkennzahl", "Customer code"),
        help_text=both(
            "Vier Ziffern; sie stehen im Vertrag und auf jeder Rechnung.",
            "Four digits; they stand in the contract and on every bill.",
        ),
        max_length=MAX_CODE,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short"}),
    )

    def clean_number(self) -> str:
        number = read_number(self.cleaned_data["number"])
        if number is None:
            raise forms.ValidationError(
                both(
                    "Das ist keine Rufnummer. Schreiben Sie sie zum Beispiel so: 0176 12345678.",
                    "This is not a phone number. Write it like this: 0176 12345678.",
                )
            )
        return number
