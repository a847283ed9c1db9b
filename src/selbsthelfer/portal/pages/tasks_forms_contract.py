"""The orders that change what a line costs: another tariff, an option. Each is shown once more first.

What must be shown right above the button, and what it must say: § 312j (2) and (3) BGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from selbsthelfer.kit.wording import Words, money, on_day, volume
from selbsthelfer.portal.pages.tasks_forms import (
    NO,
    YES,
    Offered,
    SecondLook,
    TaskForm,
    detail,
    hidden_choice,
)
from selbsthelfer.selfservice.back_end import BackEnd
from selbsthelfer.selfservice.core.orders import ChangeOption, ChangeTariff, Order
from selbsthelfer.selfservice.core.records import Contract, OptionOffer, TariffOffer
from selbsthelfer.selfservice.core.results import Detail
from selbsthelfer.subscribers.core.lines import LineRef

_ORDER: Final = Words("Zahlungspflichtig bestellen", "Order with obligation to pay")
_WITHDRAW: Final = Words(
    "Sie können die Bestellung 14 Tage lang ohne Begründung widerrufen, unten auf jeder Seite unter „Vertrag "
    "widerrufen“.",
    "You can withdraw from this order for 14 days without giving a reason, at the foot of every page under "
    "“Withdraw from contract”.",
)


def _price(cents: int) -> Words:
    told = money(cents)
    return Words(f"{told.de} im Monat, inklusive MwSt.", f"{told.en} a month, VAT included")


def _tariff_facts(tariff: TariffOffer) -> list[Detail]:
    size = (
        Words("unbegrenzt", "unlimited") if tariff.included_bytes is None else volume(tariff.included_bytes)
    )
    told = [
        detail("Daten je Abrechnungsmonat", "Data per billing month", size),
        detail("Preis", "Price", _price(tariff.price_cents)),
    ]
    return [*told, *_further(tariff.facts)]


def _further(facts: Sequence[Words]) -> list[Detail]:
    if not facts:
        return []
    told = Words("; ".join(fact.de for fact in facts), "; ".join(fact.en for fact in facts))
    return [detail("Außerdem", "Also", told)]


@dataclass(frozen=True, slots=True)
class ContractAndTariffs:
    contract: Contract
    tariffs: Sequence[TariffOffer]


class TariffForm(TaskForm[ContractAndTariffs]):
    activity = "con.change"
    lead = Words(
        "Wechseln Sie in einen anderen Tarif. Er beginnt mit Ihrem nächsten Abrechnungsmonat.",
        "Change to another tariff. It begins with your next billing month.",
    )
    related = ("con.view", "con.option")
    tells_pending = True

    tariff = hidden_choice()

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> ContractAndTariffs:
        contract = back_end.contract(line, now=now)
        return ContractAndTariffs(contract, back_end.tariffs(line, now=now))

    def prepare(self) -> None:
        field = self.fields["tariff"]
        field.choices = [(tariff.id, tariff.id) for tariff in self._others]  # type: ignore[attr-defined]

    @property
    def _others(self) -> list[TariffOffer]:
        contract = self.reading.contract
        had = {contract.tariff.id} if contract.next_tariff is None else {contract.next_tariff.id}
        return [tariff for tariff in self.reading.tariffs if tariff.id not in had]

    def facts(self) -> Sequence[Detail]:
        contract = self.reading.contract
        told = [detail("Ihr Tarif", "Your tariff", contract.tariff.name), *_tariff_facts(contract.tariff)]
        if contract.next_tariff is not None and contract.next_tariff_from is not None:
            name, start = contract.next_tariff.name, on_day(contract.next_tariff_from)
            then = Words(f"{name.de} ab {start.de}", f"{name.en} from {start.en}")
            told.append(detail("Danach", "Then", then))
        return told

    def nothing_to_do(self) -> Words | None:
        if self._others:
            return None
        return Words(
            "Zurzeit gibt es keinen anderen Tarif, in den Sie hier wechseln können.",
            "At present there is no other tariff to which you can change here.",
        )

    def offered(self) -> Sequence[Offered]:
        return [
            Offered(
                Words(f"{tariff.name.de} ansehen und bestellen", f"Look at and order {tariff.name.en}"),
                [("tariff", tariff.id)],
                title=tariff.name,
                facts=_tariff_facts(tariff),
            )
            for tariff in self._others
        ]

    def order(self) -> Order:
        return ChangeTariff(self.cleaned_data["tariff"])

    @property
    def _chosen(self) -> TariffOffer:
        return next(tariff for tariff in self._others if tariff.id == self.cleaned_data["tariff"])

    def details(self) -> Sequence[Detail]:
        return [detail("Neuer Tarif", "New tariff", self._chosen.name), *_tariff_facts(self._chosen)]

    def second_look(self) -> SecondLook:
        contract = self.reading.contract
        may_end, notice = on_day(contract.may_end_on), contract.notice_days
        return SecondLook(
            title=Words(f"In {self._chosen.name.de} wechseln?", f"Change to {self._chosen.name.en}?"),
            facts=[
                *self.details(),
                detail("Bisher", "Until now", contract.tariff.name),
                detail(
                    "Beginn",
                    "Start",
                    Words("mit Ihrem nächsten Abrechnungsmonat", "with your next billing month"),
                ),
                detail(
                    "Kündigung",
                    "Notice",
                    Words(
                        f"frühestens zum {may_end.de}, Frist {notice} Tage",
                        f"{notice} days, at the earliest for {may_end.en}",
                    ),
                ),
            ],
            notes=[_WITHDRAW],
            button=_ORDER,
        )


class OptionForm(TaskForm[Sequence[OptionOffer]]):
    activity = "con.option"
    lead = Words(
        "Buchen Sie eine Option dazu, oder bestellen Sie eine ab.",
        "Add an option to your tariff, or remove one.",
    )
    related = ("con.view", "con.withdraw")

    option = hidden_choice()
    booked = hidden_choice(YES, NO)

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> Sequence[OptionOffer]:
        return back_end.options(line, now=now)

    def prepare(self) -> None:
        field = self.fields["option"]
        field.choices = [(option.id, option.id) for option in self.reading]  # type: ignore[attr-defined]

    def facts(self) -> Sequence[Detail]:
        booked = [option for option in self.reading if option.is_booked]
        if not booked:
            return [detail("Gebuchte Optionen", "Your options", Words("keine", "none"))]
        return [Detail(option.name, _price(option.price_cents)) for option in booked]

    def offered(self) -> Sequence[Offered]:
        return [
            Offered(
                Words(f"{option.name.de} abbestellen", f"Remove {option.name.en}")
                if option.is_booked
                else Words(f"{option.name.de} ansehen und buchen", f"Look at and add {option.name.en}"),
                [("option", option.id), ("booked", NO if option.is_booked else YES)],
                title=option.name,
                facts=_option_facts(option),
                is_second=option.is_booked,
            )
            for option in self.reading
        ]

    def order(self) -> Order:
        return ChangeOption(self.cleaned_data["option"], booked=self.cleaned_data["booked"] == YES)

    @property
    def _chosen(self) -> OptionOffer:
        return next(option for option in self.reading if option.id == self.cleaned_data["option"])

    @property
    def _books(self) -> bool:
        return bool(self.cleaned_data["booked"] == YES)

    def details(self) -> Sequence[Detail]:
        told = Words("gebucht", "added") if self._books else Words("abbestellt", "removed")
        return [
            detail("Option", "Option", self._chosen.name),
            detail("Auftrag", "Order", told),
            detail("Preis", "Price", _price(self._chosen.price_cents)),
        ]

    def second_look(self) -> SecondLook:
        name, facts = (
            self._chosen.name,
            [detail("Option", "Option", self._chosen.name), *_option_facts(self._chosen)],
        )
        if self._books:
            return SecondLook(
                title=Words(f"{name.de} buchen?", f"Add {name.en}?"),
                facts=facts,
                notes=[
                    Words(
                        "Die Option läuft, bis Sie sie hier abbestellen.", "It runs until you remove it here."
                    ),
                    _WITHDRAW,
                ],
                button=_ORDER,
            )
        return SecondLook(
            title=Words(f"{name.de} abbestellen?", f"Remove {name.en}?"),
            facts=facts,
            notes=[],
            button=Words("Option abbestellen", "Remove option"),
        )


def _option_facts(option: OptionOffer) -> list[Detail]:
    return [detail("Preis", "Price", _price(option.price_cents)), *_further(option.facts)]
