"""What a subscriber can have done by the operator's back end: one frozen value for each order.

A value that exists is well-formed: what is wrong with a wish is told by the form that reads it, and once more
here, because an order may come from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from selbsthelfer.selfservice.core.records import Address, ForwardWhen


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    activity: ClassVar[str] = "acc.address"
    address: Address


@dataclass(frozen=True, slots=True)
class GoPaperless:
    activity: ClassVar[str] = "bill.paperless"


@dataclass(frozen=True, slots=True)
class ChangeBankAccount:
    activity: ClassVar[str] = "bill.iban"
    iban: str
    account_holder: str


@dataclass(frozen=True, slots=True)
class BlockThirdParties:
    activity: ClassVar[str] = "bill.thirdparty"
    blocked: bool


@dataclass(frozen=True, slots=True)
class SwitchAutomaticTopUp:
    activity: ClassVar[str] = "use.autotopup"
    on: bool


@dataclass(frozen=True, slots=True)
class ChangeTariff:
    """Change to another tariff with the next billing period."""

    activity: ClassVar[str] = "con.change"
    tariff: str


@dataclass(frozen=True, slots=True)
class ChangeOption:
    activity: ClassVar[str] = "con.option"
    option: str
    booked: bool


@dataclass(frozen=True, slots=True)
class ActivateSim:
    """Take a SIM that was sent into use; `code` is printed on its carrier."""

    activity: ClassVar[str] = "sim.activate"
    iccid: str
    code: str


@dataclass(frozen=True, slots=True)
class BlockSim:
    """Block every SIM of the line."""

    activity: ClassVar[str] = "sim.block"


@dataclass(frozen=True, slots=True)
class UnblockSim:
    activity: ClassVar[str] = "sim.unblock"


@dataclass(frozen=True, slots=True)
class OrderReplacementSim:
    """Order another SIM to the address of the contract, or an eSIM."""

    activity: ClassVar[str] = "sim.replace"
    esim: bool


@dataclass(frozen=True, slots=True)
class SetForwarding:
    """Forward calls to a number in the form +49…, or to none."""

    activity: ClassVar[str] = "call.forward"
    when: ForwardWhen
    to: str | None


@dataclass(frozen=True, slots=True)
class SetVoicemail:
    activity: ClassVar[str] = "call.voicemail"
    on: bool
    seconds: int
    tells_by_text: bool


@dataclass(frozen=True, slots=True)
class BarNumber:
    """Bar a number in the form +49…, or let it through again."""

    activity: ClassVar[str] = "call.block"
    number: str
    barred: bool


@dataclass(frozen=True, slots=True)
class SwitchRoaming:
    activity: ClassVar[str] = "roam.switch"
    on: bool


Order = (
    ChangeAddress
    | GoPaperless
    | ChangeBankAccount
    | BlockThirdParties
    | SwitchAutomaticTopUp
    | ChangeTariff
    | ChangeOption
    | ActivateSim
    | BlockSim
    | UnblockSim
    | OrderReplacementSim
    | SetForwarding
    | SetVoicemail
    | BarNumber
    | SwitchRoaming
)
"""Every order there is; each names the activity of the catalogue that it carries out."""
