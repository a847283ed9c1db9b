"""What the forms of all orders share: what stands now, what will happen, and how the order is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, Self, TypeVar
from uuid import UUID, uuid4, uuid5

import msgspec
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.languages import both, tell
from selbsthelfer.selfservice.back_end import BackEnd
from selbsthelfer.selfservice.core.checking import WrongInputError
from selbsthelfer.selfservice.core.order_details import details_of
from selbsthelfer.selfservice.core.order_forms import order_as_plain
from selbsthelfer.selfservice.core.orders import Order
from selbsthelfer.selfservice.core.results import Detail
from selbsthelfer.subscribers.core.lines import LineRef

YES: Final = "yes"
NO: Final = "no"
Reading = TypeVar("Reading")


@dataclass(frozen=True, slots=True)
class Offered:
    """Something to be done with one press: what it is about, what it sends, and what the button says."""

    button: Words
    sent: Sequence[tuple[str, str]]
    title: Words | None = None
    facts: Sequence[Detail] = ()
    notes: Sequence[Words] = ()
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What is shown once more before an order that costs money or ends something is placed."""

    title: Words
    facts: Sequence[Detail]
    notes: Sequence[Words]
    button: Words


class TaskForm(forms.Form, Generic[Reading]):
    """The form of one order, filled from what the back end tells.

    `key` names the attempt: it is made when the form is shown, so that sending it twice does it once.
    `tells_pending` says that its facts tell what is under way, so that nobody else has to be asked.
    """

    activity: ClassVar[str]
    lead: ClassVar[Words]
    submit: ClassVar[Words] = Words("Absenden", "Send")
    form_title: ClassVar[Words] = Words("Ändern", "Change")
    related: ClassVar[Sequence[str]] = ()
    tells_pending: ClassVar[bool] = False

    key = forms.UUIDField(
        widget=forms.HiddenInput,
        error_messages={
            "required": both("Bitte laden Sie die Seite neu.", "Please reload the page."),
            "invalid": both("Bitte laden Sie die Seite neu.", "Please reload the page."),
        },
    )

    def __init__(self, sent: Any = None, *, reading: Reading) -> None:
        self.reading = reading
        super().__init__(sent, initial={"key": uuid4(), **self.first_values(reading)})
        self.prepare()

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> Reading:
        """Read what the page shows; raises `BackEndUnavailableError`."""
        raise NotImplementedError

    @classmethod
    def first_values(cls, reading: Reading) -> dict[str, Any]:  # noqa: ARG003 - for those who need it
        """Fill in what is known already."""
        return {}

    def prepare(self) -> None:
        """Put what the back end told into the fields, such as what there is to choose from."""

    def facts(self) -> Sequence[Detail]:
        """Tell how things stand now."""
        return ()

    def offered(self) -> Sequence[Offered]:
        """List what can be done with one press."""
        return ()

    def nothing_to_do(self) -> Words | None:
        """Say why there is nothing to do, where that is so."""
        return None

    def notes(self) -> Sequence[Words]:
        """Say what will happen, before it is sent."""
        return ()

    def order(self) -> Order:
        """Make the order from what was typed; raises `WrongInputError`."""
        raise NotImplementedError

    def details(self) -> Sequence[Detail]:
        """Tell what the receipt will show."""
        return details_of(self.made)

    def second_look(self) -> SecondLook | None:
        """Show once more what is about to be ordered, where that is called for."""
        return None

    def clean(self) -> dict[str, Any]:
        """Make the order, and show what keeps it from being made beside its field."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.made: Order = self.order()
            except WrongInputError as wrong:
                self.refuse(wrong.reason, wrong.field)
        return cleaned

    def refuse(self, reason: Words, field: str | None) -> None:
        """Show a reason beside its field, or for the form as a whole."""
        known = field if field in self.fields else None
        self.add_error(known, tell(reason))

    def order_key(self) -> UUID:
        """Make the key of the attempt: another order from the same page is another attempt."""
        key: UUID = self.cleaned_data["key"]
        return uuid5(key, msgspec.json.encode(order_as_plain(self.made)).decode())

    def renewed(self) -> Self:
        """Give the same form with what was typed and a fresh key: a refused attempt is over."""
        sent = {name: self.data[name] for name in self.fields if name in self.data}
        sent["key"] = str(uuid4())
        form = type(self)(sent, reading=self.reading)
        form.is_valid()
        return form

    @property
    def has_fields(self) -> bool:
        """Tell whether there is anything to fill in."""
        return bool(self.visible_fields())

    @property
    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong in the order of the fields, each with the id of its field where one is seen."""
        in_order = [NON_FIELD_ERRORS, *self.fields]
        return [
            (self._anchor(name), str(message)) for name in in_order for message in self.errors.get(name, ())
        ]

    def _anchor(self, name: str) -> str:
        if name not in self.fields or self[name].is_hidden:
            return ""
        return self[name].id_for_label or f"{self[name].auto_id}_0"


def text_field(
    german: str,
    english: str,
    *,
    missing: tuple[str, str] = ("Bitte füllen Sie dieses Feld aus.", "Please fill in this field."),
    hint: tuple[str, str] | None = None,
    longest: int,
    is_needed: bool = True,
    attributes: Mapping[str, str] | None = None,
) -> forms.CharField:
    """Make a field for a line of text; `attributes` are those of the input, such as `autocomplete`."""
    return forms.CharField(
        label=both(german, english),
        help_text=both(*hint) if hint else "",
        required=is_needed,
        max_length=longest,
        widget=forms.TextInput(attrs=dict(attributes or {})),
        error_messages={
            "required": both(*missing),
            "max_length": both(
                f"Bitte höchstens {longest} Zeichen.", f"Please use at most {longest} characters."
            ),
        },
    )


def hidden_choice(*values: str, is_needed: bool = True) -> forms.ChoiceField:
    """Make a field that only buttons fill in."""
    gone = both(
        "Diese Auswahl gibt es nicht mehr. Unten steht, was jetzt gilt.",
        "This choice is no longer there. Below you see how things stand now.",
    )
    return forms.ChoiceField(
        choices=[(value, value) for value in values],
        required=is_needed,
        widget=forms.HiddenInput,
        error_messages={"required": gone, "invalid_choice": gone},
    )


def detail(german: str, english: str, value: Words | str) -> Detail:
    """Name a fact; a value that is no words is the same in both languages."""
    return Detail(Words(german, english), Words(value, value) if isinstance(value, str) else value)
