"""A back end in memory, for the simulator and for tests of an adapter; nothing survives its process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from threading import RLock
from typing import ClassVar

from selbsthelfer.kit.wording import Words, day
from selbsthelfer.selfservice.back_end import (
    MAX_BILLS,
    MAX_RECORDS,
    BackEndUnavailableError,
    Confirmation,
    OrderRefusedError,
)
from selbsthelfer.selfservice.core.orders import (
    ActivateSim,
    BarNumber,
    BlockSim,
    BlockThirdParties,
    ChangeAddress,
    ChangeBankAccount,
    ChangeOption,
    ChangeTariff,
    GoPaperless,
    Order,
    OrderReplacementSim,
    SetForwarding,
    SetVoicemail,
    SwitchAutomaticTopUp,
    SwitchRoaming,
    UnblockSim,
)
from selbsthelfer.selfservice.core.records import (
    Bill,
    ConnectionRecord,
    Contract,
    CostSoFar,
    Customer,
    LineSettings,
    NetworkFault,
    OptionOffer,
    RoamingPrice,
    Sim,
    SimSecrets,
    SimState,
    TariffOffer,
    Voicemail,
)
from selbsthelfer.selfservice.tmf.plain import ZONE
from selbsthelfer.subscribers.core.lines import LineRef


@dataclass(slots=True)
class MemoryLine:
    """All that is known of one line. `activation_codes` holds what is printed with a SIM."""

    customer: Customer
    contract: Contract
    settings: LineSettings
    sims: list[Sim]
    bills: list[Bill] = field(default_factory=list)
    records: dict[str, list[ConnectionRecord]] = field(default_factory=dict)
    secrets: dict[str, SimSecrets] = field(default_factory=dict)
    activation_codes: dict[str, str] = field(default_factory=dict)
    cost_cents: int = 0
    customer_code: str = ""


@dataclass(slots=True)
class MemoryBackEnd:
    """Satisfies `BackEnd` with dictionaries. `done` lists what was really done, in its order."""

    name: ClassVar[str] = "memory"

    lines: dict[str, MemoryLine] = field(default_factory=dict)
    offered_tariffs: list[TariffOffer] = field(default_factory=list)
    offered_options: list[OptionOffer] = field(default_factory=list)
    roaming: list[RoamingPrice] = field(default_factory=list)
    faults: dict[str, list[NetworkFault]] = field(default_factory=dict)
    done: list[tuple[str, str, Order]] = field(default_factory=list)
    _confirmed: dict[tuple[str, str], Confirmation] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def customer(self, line: LineRef, *, now: datetime) -> Customer:  # noqa: ARG002
        return self._line(line).customer

    def contract(self, line: LineRef, *, now: datetime) -> Contract:  # noqa: ARG002
        return self._line(line).contract

    def tariffs(self, line: LineRef, *, now: datetime) -> Sequence[TariffOffer]:  # noqa: ARG002
        self._line(line)
        return tuple(self.offered_tariffs)

    def options(self, line: LineRef, *, now: datetime) -> Sequence[OptionOffer]:  # noqa: ARG002
        booked = {option.id for option in self._line(line).contract.options}
        return [replace(option, is_booked=option.id in booked) for option in self.offered_options]

    def bills(self, line: LineRef, *, now: datetime) -> Sequence[Bill]:  # noqa: ARG002
        bills = sorted(self._line(line).bills, key=lambda bill: bill.issued_on, reverse=True)
        return bills[:MAX_BILLS]

    def cost_so_far(self, line: LineRef, *, now: datetime) -> CostSoFar:
        return CostSoFar(self._line(line).cost_cents, now)

    def records(self, line: LineRef, bill: Bill, *, now: datetime) -> Sequence[ConnectionRecord]:  # noqa: ARG002
        found = self._line(line).records.get(bill.number, [])
        return sorted(found, key=lambda record: record.started_at)[:MAX_RECORDS]

    def sims(self, line: LineRef, *, now: datetime) -> Sequence[Sim]:  # noqa: ARG002
        return tuple(self._line(line).sims)

    def sim_secrets(self, line: LineRef, *, now: datetime) -> Sequence[SimSecrets]:  # noqa: ARG002
        found = self._line(line)
        return [found.secrets[sim.iccid] for sim in found.sims if sim.iccid in found.secrets]

    def settings(self, line: LineRef, *, now: datetime) -> LineSettings:  # noqa: ARG002
        return self._line(line).settings

    def roaming_prices(self) -> Sequence[RoamingPrice]:
        return tuple(self.roaming)

    def faults_at(self, postcode: str, *, now: datetime) -> Sequence[NetworkFault]:  # noqa: ARG002
        found = self.faults.get(postcode, [])
        return sorted(found, key=lambda fault: fault.began_at, reverse=True)

    def is_customer_code(self, line: LineRef, code: str) -> bool:
        found = self.lines.get(line.subject)
        return found is not None and found.customer_code != "" and found.customer_code == code

    def carry_out(self, line: LineRef, order: Order, *, key: str, now: datetime) -> Confirmation:
        with self._lock:
            known = self._confirmed.get((line.subject, key))
            if known is not None:
                return known
            held = self._line(line)
            effective_on = self._perform(held, order, now)
            self.done.append((line.subject, key, order))
            confirmed = Confirmation(f"M{len(self.done)}", effective_on)
            self._confirmed[line.subject, key] = confirmed
            return confirmed

    def pending(self, line: LineRef, *, now: datetime) -> Mapping[str, Words]:
        held = self._line(line)
        told: dict[str, Words] = {}
        following = held.contract.next_tariff_from
        if following is not None:
            begins = day(datetime.combine(following, datetime.min.time(), ZONE), ZONE.key)
            told[ChangeTariff.activity] = Words(f"Gilt ab {begins.de}", f"Valid from {begins.en}")
        if any(sim.state is SimState.ORDERED and sim.since <= now for sim in held.sims):
            told[OrderReplacementSim.activity] = Words("Ist unterwegs", "Is on its way")
        return told

    def _line(self, line: LineRef) -> MemoryLine:
        if line.subject not in self.lines:
            raise BackEndUnavailableError("unknown_line")
        return self.lines[line.subject]

    def _perform(self, held: MemoryLine, order: Order, now: datetime) -> date | None:
        match order:
            case ChangeTariff():
                return self._change_tariff(held, order, now)
            case ChangeOption():
                self._change_option(held, order)
            case ActivateSim() | BlockSim() | UnblockSim() | OrderReplacementSim():
                _change_sims(held, order, now)
            case ChangeAddress(address=address):
                held.customer = replace(held.customer, address=address)
            case GoPaperless():
                held.customer = replace(held.customer, is_paperless=True)
            case ChangeBankAccount(iban=iban, account_holder=holder):
                masked = f"{iban[:4]}…{iban[-4:]}"
                held.customer = replace(held.customer, iban=masked, account_holder=holder)
            case _:
                held.settings = _changed(held.settings, order)
        return None

    def _change_tariff(self, held: MemoryLine, order: ChangeTariff, now: datetime) -> date:
        offered = {tariff.id: tariff for tariff in self.offered_tariffs}
        if order.tariff not in offered or order.tariff == held.contract.tariff.id:
            raise OrderRefusedError(
                Words("Diesen Tarif können Sie nicht wählen.", "You cannot choose this tariff."),
                field="tariff",
            )
        today = now.astimezone(ZONE).date()
        first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        held.contract = replace(held.contract, next_tariff=offered[order.tariff], next_tariff_from=first)
        return first

    def _change_option(self, held: MemoryLine, order: ChangeOption) -> None:
        offered = {option.id: option for option in self.offered_options}
        if order.option not in offered:
            raise OrderRefusedError(
                Words("Diese Option gibt es nicht.", "There is no such option."), field="option"
            )
        options = tuple(option for option in held.contract.options if option.id != order.option)
        if order.booked:
            options += (replace(offered[order.option], is_booked=True),)
        held.contract = replace(held.contract, options=options)


def _change_sims(held: MemoryLine, order: Order, now: datetime) -> None:
    match order:
        case ActivateSim(iccid=iccid, code=code):
            _activate(held, iccid, code, now)
        case BlockSim():
            _move(held, SimState.ACTIVE, SimState.BLOCKED, now)
        case UnblockSim():
            _move(held, SimState.BLOCKED, SimState.ACTIVE, now)
        case OrderReplacementSim(esim=esim):
            iccid = f"894900000000{len(held.sims):08d}"
            held.sims.append(Sim(iccid, esim, SimState.ORDERED, now))
            held.secrets[iccid] = SimSecrets(iccid, "0000", "00000000")
            held.activation_codes[iccid] = iccid[-4:]


def _activate(held: MemoryLine, iccid: str, code: str, now: datetime) -> None:
    waiting = {sim.iccid for sim in held.sims if sim.state is SimState.ORDERED}
    if iccid not in waiting or held.activation_codes.get(iccid) != code:
        raise OrderRefusedError(
            Words("Der Code passt nicht zu dieser SIM.", "The code does not belong to this SIM."),
            field="code",
        )
    _move(held, SimState.ACTIVE, SimState.REPLACED, now)
    held.sims = [
        replace(sim, state=SimState.ACTIVE, since=now) if sim.iccid == iccid else sim for sim in held.sims
    ]


def _move(held: MemoryLine, old: SimState, new: SimState, now: datetime) -> None:
    held.sims = [replace(sim, state=new, since=now) if sim.state is old else sim for sim in held.sims]


def _changed(settings: LineSettings, order: Order) -> LineSettings:
    match order:
        case BlockThirdParties(blocked=blocked):
            return replace(settings, is_third_party_blocked=blocked)
        case SwitchAutomaticTopUp(on=on):
            return replace(settings, is_automatic_top_up_on=on)
        case SwitchRoaming(on=on):
            return replace(settings, is_roaming_on=on)
        case SetForwarding(when=when, to=to):
            others = {each: number for each, number in settings.forwarding.items() if each is not when}
            return replace(settings, forwarding=others if to is None else {**others, when: to})
        case SetVoicemail(on=on, seconds=seconds, tells_by_text=tells):
            return replace(settings, voicemail=Voicemail(on, seconds, tells))
        case BarNumber(number=number, barred=barred):
            numbers = tuple(each for each in settings.barred_numbers if each != number)
            return replace(settings, barred_numbers=(*numbers, number) if barred else numbers)
        case _:
            raise TypeError(type(order).__name__)
