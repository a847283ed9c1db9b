"""The orders about the SIMs of a line: take one into use, unblock them, order another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django import forms

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.languages import both
from selbsthelfer.portal.pages.tasks_forms import Offered, TaskForm, detail, text_field
from selbsthelfer.portal.pages.tasks_forms_account import address_lines
from selbsthelfer.selfservice.back_end import BackEnd
from selbsthelfer.selfservice.core.checking import MAX_TYPED, checked_activation_code, checked_iccid
from selbsthelfer.selfservice.core.orders import ActivateSim, Order, OrderReplacementSim, UnblockSim
from selbsthelfer.selfservice.core.records import Customer, Sim, SimState
from selbsthelfer.selfservice.core.results import Detail
from selbsthelfer.subscribers.core.lines import LineRef

_STATES: Final[Mapping[SimState, Words]] = MappingProxyType(
    {
        SimState.ORDERED: Words("bestellt, noch nicht aktiviert", "ordered, not activated yet"),
        SimState.ACTIVE: Words("aktiv", "active"),
        SimState.BLOCKED: Words("gesperrt", "blocked"),
        SimState.REPLACED: Words("ersetzt", "replaced"),
    }
)
_CARD, _ESIM = "card", "esim"


def sim_fact(sim: Sim) -> Detail:
    """Tell a SIM by its kind, the end of its number, and its state."""
    kind = "eSIM" if sim.is_esim else "SIM"
    return detail(f"{kind} … {sim.iccid[-4:]}", f"{kind} … {sim.iccid[-4:]}", _STATES[sim.state])


class SimsForm(TaskForm[Sequence[Sim]]):
    """A form about the SIMs of the line."""

    tells_pending = True

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> Sequence[Sim]:
        return back_end.sims(line, now=now)

    def facts(self) -> Sequence[Detail]:
        return [sim_fact(sim) for sim in self.reading if sim.state is not SimState.REPLACED]


class ActivateForm(SimsForm):
    activity = "sim.activate"
    lead = Words(
        "Ihre neue SIM ist da? Hier nehmen Sie sie in Betrieb.", "Got your new SIM? Take it into use here."
    )
    form_title = Words("Neue SIM", "New SIM")
    submit = Words("SIM aktivieren", "Activate SIM")

    iccid = text_field(
        "SIM-Kartennummer",
        "SIM number",
        missing=("Bitte geben Sie die SIM-Kartennummer an.", "Please give the SIM number."),
        hint=(
            "18 bis 20 Ziffern, sie beginnt mit 89. Bei einer eSIM steht sie im Brief.",
            "18 to 20 digits, beginning with 89. For an eSIM it is in the letter.",
        ),
        longest=MAX_TYPED,
        attributes={"inputmode": "numeric", "autocomplete": "off"},
    )
    code = text_field(
        "Aktivierungscode",
        "Activation code",
        missing=("Bitte geben Sie den Aktivierungscode an.", "Please give the activation code."),
        hint=("Er steht im Brief zu Ihrer SIM.", "It is in the letter that came with your SIM."),
        longest=MAX_TYPED,
        attributes={"inputmode": "numeric", "autocomplete": "off", "class": "short"},
    )

    @classmethod
    def first_values(cls, reading: Sequence[Sim]) -> dict[str, Any]:
        ordered = [sim.iccid for sim in reading if sim.state is SimState.ORDERED]
        return {"iccid": ordered[0]} if len(ordered) == 1 else {}

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Wenn Sie aktivieren, geht die neue SIM sofort ans Netz, und Ihre bisherige wird "
                "abgeschaltet. Ihre Nummer bleibt.",
                "If you activate it, your new SIM works at once, and your old one is switched off. You keep "
                "your number.",
            )
        ]

    def order(self) -> Order:
        iccid = checked_iccid(self.cleaned_data["iccid"])
        return ActivateSim(iccid=iccid, code=checked_activation_code(self.cleaned_data["code"]))


class UnblockForm(SimsForm):
    activity = "sim.unblock"
    lead = Words(
        "Wiedergefunden? Hier heben Sie die Sperre Ihrer SIM auf.", "Found it again? Unblock your SIM here."
    )

    @property
    def _is_blocked(self) -> bool:
        return any(sim.state is SimState.BLOCKED for sim in self.reading)

    def nothing_to_do(self) -> Words | None:
        if self._is_blocked:
            return None
        return Words("Ihre SIM ist nicht gesperrt.", "Your SIM is not blocked.")

    def offered(self) -> Sequence[Offered]:
        if not self._is_blocked:
            return ()
        note = Words(
            "Wenn Sie sie entsperren: Anrufe, SMS und Internet funktionieren dann sofort wieder.",
            "If you unblock it: calls, texts and internet will then work again at once.",
        )
        return [Offered(Words("SIM entsperren", "Unblock SIM"), (), notes=[note])]

    def order(self) -> Order:
        return UnblockSim()


@dataclass(frozen=True, slots=True)
class SimsAndCustomer:
    sims: Sequence[Sim]
    customer: Customer


class ReplacementForm(TaskForm[SimsAndCustomer]):
    activity = "sim.replace"
    lead = Words(
        "Verloren, kaputt oder die falsche Größe? Bestellen Sie eine neue SIM.",
        "Lost, broken or the wrong size? Order a new SIM.",
    )
    form_title = Words("Neue SIM bestellen", "Order a new SIM")
    submit = Words("Ersatz-SIM bestellen", "Order replacement SIM")
    related = ("acc.address", "sim.activate")
    tells_pending = True

    kind = forms.ChoiceField(
        label=both("Welche SIM möchten Sie?", "Which SIM would you like?"),
        choices=[
            (_CARD, both("SIM-Karte per Post", "SIM card by post")),
            (_ESIM, both("eSIM zum Herunterladen", "eSIM to download")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": both("Bitte wählen Sie SIM-Karte oder eSIM.", "Please choose SIM card or eSIM.")
        },
    )

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> SimsAndCustomer:
        return SimsAndCustomer(back_end.sims(line, now=now), back_end.customer(line, now=now))

    def facts(self) -> Sequence[Detail]:
        shown = [sim_fact(sim) for sim in self.reading.sims if sim.state is not SimState.REPLACED]
        return [*shown, detail("Anschrift", "Address", address_lines(self.reading.customer.address))]

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Eine Karte schicken wir an die Anschrift oben. Stimmt sie nicht, ändern Sie sie bitte "
                "zuerst.",
                "We send a card to the address above. If that is wrong, please change it first.",
            ),
            Words(
                "Ihre bisherige SIM funktioniert, bis Sie die neue aktivieren.",
                "Your present SIM works until you activate the new one.",
            ),
        ]

    def order(self) -> Order:
        return OrderReplacementSim(esim=self.cleaned_data["kind"] == _ESIM)
