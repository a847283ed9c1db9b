"""The orders about the account and the bill: address, paperless bills, bank account, and two switches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.pages.tasks_forms import (
    NO,
    YES,
    Offered,
    TaskForm,
    detail,
    hidden_choice,
    text_field,
)
from selbsthelfer.selfservice.back_end import BackEnd
from selbsthelfer.selfservice.core.checking import (
    MAX_HOUSE_NUMBER,
    MAX_NAME,
    MAX_TYPED,
    WrongInputError,
    checked_address,
    checked_iban,
    checked_name,
)
from selbsthelfer.selfservice.core.orders import (
    BlockThirdParties,
    ChangeAddress,
    ChangeBankAccount,
    GoPaperless,
    Order,
    SwitchAutomaticTopUp,
)
from selbsthelfer.selfservice.core.records import Address, Customer, LineSettings
from selbsthelfer.selfservice.core.results import Detail
from selbsthelfer.subscribers.core.lines import LineRef

_A_RIGHT_ADDRESS: Final = {
    "street": "Ahornweg",
    "house_number": "1",
    "postcode": "10437",
    "city": "Berlin",
    "addition": "",
}


def address_lines(address: Address) -> str:
    """Write an address in one line."""
    street = f"{address.street} {address.house_number}"
    parts = [street, address.addition, f"{address.postcode} {address.city}"]
    return ", ".join(part for part in parts if part)


class CustomerForm(TaskForm[Customer]):
    """A form about whoever pays for the line."""

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> Customer:
        return back_end.customer(line, now=now)


class AddressForm(CustomerForm):
    activity = "acc.address"
    lead = Words(
        "Umgezogen? Hier ändern Sie die Anschrift für Rechnung und Briefe.",
        "Moved house? Change the address for bills and letters here.",
    )
    form_title = Words("Neue Anschrift", "New address")
    submit = Words("Anschrift ändern", "Change address")

    street = text_field(
        "Straße",
        "Street",
        missing=("Bitte geben Sie die Straße an.", "Please give the street."),
        longest=MAX_NAME,
        attributes={"autocomplete": "address-line1"},
    )
    house_number = text_field(
        "Hausnummer",
        "House number",
        missing=("Bitte geben Sie die Hausnummer an.", "Please give the house number."),
        hint=("Zum Beispiel 12 oder 12a", "For example 12 or 12a"),
        longest=MAX_HOUSE_NUMBER,
        attributes={"class": "short"},
    )
    addition = text_field(
        "Zusatz (freiwillig)",
        "Addition (optional)",
        hint=("Zum Beispiel „bei Müller“ oder „Hinterhaus“", "For example “c/o Müller” or “rear building”"),
        longest=MAX_NAME,
        is_needed=False,
        attributes={"autocomplete": "address-line2"},
    )
    postcode = text_field(
        "Postleitzahl",
        "Postcode",
        missing=("Bitte geben Sie die Postleitzahl an.", "Please give the postcode."),
        longest=MAX_TYPED,
        attributes={"autocomplete": "postal-code", "inputmode": "numeric", "class": "short"},
    )
    city = text_field(
        "Ort",
        "Town",
        missing=("Bitte geben Sie den Ort an.", "Please give the town."),
        longest=MAX_NAME,
        attributes={"autocomplete": "address-level2"},
    )

    def facts(self) -> Sequence[Detail]:
        return [
            detail("Kunde", "Customer", self.reading.name),
            detail("Anschrift", "Address", address_lines(self.reading.address)),
        ]

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Wenn Sie die Anschrift ändern, gilt sie sofort, auch für die nächste Rechnung.",
                "If you change the address, it applies at once, also for your next bill.",
            )
        ]

    def clean(self) -> dict[str, Any]:
        """Tell everything that is wrong with the address at once, not one thing after the other."""
        typed = {name: self.cleaned_data.get(name, right) for name, right in _A_RIGHT_ADDRESS.items()}
        for _ in _A_RIGHT_ADDRESS:
            try:
                self.address = checked_address(**typed)
                break
            except WrongInputError as wrong:
                self.refuse(wrong.reason, wrong.field)
                typed[wrong.field] = _A_RIGHT_ADDRESS[wrong.field]
        return super().clean()

    def order(self) -> Order:
        return ChangeAddress(self.address)


class PaperlessForm(CustomerForm):
    activity = "bill.paperless"
    lead = Words(
        "Lesen Sie Ihre Rechnungen hier, statt sie per Post zu bekommen.",
        "Read your bills here instead of getting them by post.",
    )

    def facts(self) -> Sequence[Detail]:
        told = (
            Words("nur online", "online only") if self.reading.is_paperless else Words("per Post", "by post")
        )
        return [detail("Ihre Rechnung kommt", "Your bill comes", told)]

    def nothing_to_do(self) -> Words | None:
        if not self.reading.is_paperless:
            return None
        return Words(
            "Sie bekommen Ihre Rechnungen schon ohne Papier.", "You already get your bills without paper."
        )

    def offered(self) -> Sequence[Offered]:
        if self.reading.is_paperless:
            return ()
        button = Words("Auf papierlos umstellen", "Go paperless")
        note = Words(
            "Wenn Sie umstellen: Ab der nächsten Rechnung kommt kein Brief mehr. Jede Rechnung liegt hier "
            "als PDF.",
            "If you go paperless: from your next bill on no letter will come. Every bill is here as a PDF.",
        )
        return [Offered(button, (), notes=[note])]

    def order(self) -> Order:
        return GoPaperless()


class BankAccountForm(CustomerForm):
    activity = "bill.iban"
    lead = Words("Ändern Sie das Konto, von dem wir abbuchen.", "Change the account that we debit.")
    form_title = Words("Neues Konto", "New account")
    related = ("bill.view",)
    submit = Words("Bankverbindung ändern", "Change bank account")

    account_holder = text_field(
        "Kontoinhaber",
        "Account holder",
        missing=("Bitte geben Sie an, wem das Konto gehört.", "Please say whose account it is."),
        longest=MAX_NAME,
        attributes={"autocomplete": "name"},
    )
    iban = text_field(
        "IBAN",
        "IBAN",
        missing=("Bitte geben Sie die IBAN an.", "Please give the IBAN."),
        hint=(
            "Sie steht auf Ihrer Bankkarte. Leerzeichen stören nicht.",
            "It is on your bank card. Spaces do no harm.",
        ),
        longest=MAX_TYPED,
        attributes={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )

    @classmethod
    def first_values(cls, reading: Customer) -> dict[str, Any]:
        return {"account_holder": reading.account_holder}

    def facts(self) -> Sequence[Detail]:
        return [
            detail("Kontoinhaber", "Account holder", self.reading.account_holder),
            detail("IBAN", "IBAN", self.reading.iban),
        ]

    def notes(self) -> Sequence[Words]:
        return [
            Words(
                "Mit dem Absenden erteilen Sie uns für dieses Konto ein SEPA-Lastschriftmandat. Von Ihrer "
                "Bank können Sie innerhalb von acht Wochen nach einer Abbuchung die Erstattung verlangen.",
                "By sending this you give us a SEPA direct debit mandate for this account. Within eight "
                "weeks of a debit you can ask your bank for a refund.",
            ),
            Words(
                "Wenn Sie es ändern, buchen wir schon die nächste Rechnung vom neuen Konto ab.",
                "If you change it, we debit the new account from your next bill on.",
            ),
        ]

    def order(self) -> Order:
        holder = checked_name(self.cleaned_data["account_holder"], field="account_holder")
        return ChangeBankAccount(iban=checked_iban(self.cleaned_data["iban"]), account_holder=holder)


class SettingsForm(TaskForm[LineSettings]):
    """A form about the switches of the line."""

    @classmethod
    def read(cls, back_end: BackEnd, line: LineRef, now: datetime) -> LineSettings:
        return back_end.settings(line, now=now)


class ThirdPartiesForm(SettingsForm):
    activity = "bill.thirdparty"
    lead = Words(
        "Andere Anbieter können über Ihre Rechnung abrechnen, zum Beispiel Abos. Hier sperren Sie das.",
        "Other providers can charge things to your bill, such as subscriptions. You can block that here.",
    )
    related = ("bill.object",)

    blocked = hidden_choice(YES, NO)

    def facts(self) -> Sequence[Detail]:
        blocked = self.reading.is_third_party_blocked
        told = Words("gesperrt", "blocked") if blocked else Words("nicht gesperrt", "not blocked")
        return [detail("Drittanbieter", "Third-party billing", told)]

    def offered(self) -> Sequence[Offered]:
        if self.reading.is_third_party_blocked:
            note = Words(
                "Wenn Sie die Sperre aufheben: Andere Anbieter können dann wieder über Ihre Rechnung "
                "abrechnen.",
                "If you remove the block: other providers can then charge things to your bill again.",
            )
            button = Words("Sperre aufheben", "Remove the block")
            return [Offered(button, [("blocked", NO)], notes=[note], is_second=True)]
        note = Words(
            "Wenn Sie sperren: Das gilt sofort und kostet nichts. Laufende Abos kündigen Sie bitte beim "
            "Anbieter selbst.",
            "If you block them: that applies at once and costs nothing. Please cancel running subscriptions "
            "with their provider.",
        )
        return [
            Offered(Words("Drittanbieter sperren", "Block third parties"), [("blocked", YES)], notes=[note])
        ]

    def order(self) -> Order:
        return BlockThirdParties(blocked=self.cleaned_data["blocked"] == YES)


class AutomaticTopUpForm(SettingsForm):
    activity = "use.autotopup"
    lead = Words(
        "Die Datenautomatik bucht kostenpflichtig Volumen nach, wenn Ihres aufgebraucht ist.",
        "Automatic top-up buys more volume for money once yours is used up.",
    )

    def facts(self) -> Sequence[Detail]:
        on = self.reading.is_automatic_top_up_on
        told = Words("eingeschaltet", "on") if on else Words("ausgeschaltet", "off")
        return [detail("Datenautomatik", "Automatic top-up", told)]

    def nothing_to_do(self) -> Words | None:
        if self.reading.is_automatic_top_up_on:
            return None
        return Words(
            "Ihre Datenautomatik ist schon ausgeschaltet. Es wird nichts nachgebucht.",
            "Your automatic top-up is off already. Nothing will be bought.",
        )

    def offered(self) -> Sequence[Offered]:
        if not self.reading.is_automatic_top_up_on:
            return ()
        note = Words(
            "Wenn Sie sie ausschalten: Ist Ihr Volumen aufgebraucht, surfen Sie langsamer weiter, ohne dass "
            "es mehr kostet.",
            "If you turn it off: once your volume is used up you go on more slowly, at no extra cost.",
        )
        return [Offered(Words("Datenautomatik ausschalten", "Turn automatic top-up off"), (), notes=[note])]

    def order(self) -> Order:
        return SwitchAutomaticTopUp(on=False)
