"""A back end in memory with two lines, served over a real socket, and the adapter that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from selbsthelfer.kit.wording import Words
from selbsthelfer.selfservice.core.records import (
    Address,
    Bill,
    BillLine,
    BillLineKind,
    ConnectionKind,
    ConnectionRecord,
    Contract,
    Customer,
    FaultState,
    ForwardWhen,
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
from selbsthelfer.selfservice.tmf.adapter import TmfBackEnd
from selbsthelfer.selfservice.tmf.calling import Patience
from selbsthelfer.selfservice.tmf.memory import MemoryBackEnd, MemoryLine
from selbsthelfer.selfservice.tmf.serving import serving
from selbsthelfer.selfservice.tmf.simulator import Simulator
from selbsthelfer.subscribers.core.lines import LineRef

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
TOKEN = "a-token-for-tests"  # noqa: S105
LINE = LineRef.of("line/1 ä?#")
"""An id with everything in it that must not get loose in an address."""
OTHER = LineRef.of("line-2")
WAITING_SIM = "8949000000000000002"

SMALL = TariffOffer("small", Words("Klein", "Small"), 5_000_000_000, 999, (Words("Allnet", "All networks"),))
LARGE = TariffOffer("large", Words("Groß", "Large"), None, 3999)
ROAM_OPTION = OptionOffer("world", Words("Welt", "World"), 499, (Words("Ein Tag", "One day"),))
MUSIC_OPTION = OptionOffer("music", Words("Musik", "Music"), 1)

QUICK = Patience(
    connect_seconds=1.0, read_seconds=0.7, look_up_seconds=0.7, task_seconds=4.0, poll_seconds=(0.0,) * 4
)
HOLD_SECONDS = 1.1
"""Longer than `QUICK` waits for an answer."""


def a_line(number: str) -> MemoryLine:
    sims = [
        Sim("8949000000000000001", False, SimState.ACTIVE, NOW - timedelta(days=400)),
        Sim(WAITING_SIM, True, SimState.ORDERED, NOW - timedelta(days=2)),
    ]
    return MemoryLine(
        customer=Customer(
            f"Erika Muster {number}",
            f"K-{number}",
            Address("Straße des 17. Juni", "135 b", "10623", "Berlin", "Hinterhaus"),
            "DE02…2051",
            "Erika Muster",
            False,
        ),
        contract=Contract(
            f"V-{number}",
            SMALL,
            (OptionOffer("music", Words("Musik", "Music"), 1, (), True),),
            date(2024, 3, 1),
            date(2026, 6, 30),
            30,
        ),
        settings=LineSettings(
            {ForwardWhen.BUSY: "+49301234"}, Voicemail(True, 20, False), ("+4930999",), False, True, False
        ),
        sims=sims,
        bills=[a_bill(month, number) for month in range(1, 4)],
        records={f"R-{number}-1": [a_record(minute) for minute in range(250)]},
        secrets={sim.iccid: SimSecrets(sim.iccid, "1234", "12345678") for sim in sims},
        activation_codes={WAITING_SIM: "4711"},
        cost_cents=1234,
        customer_code="geheim-77",
    )


def a_bill(month: int, number: str) -> Bill:
    return Bill(
        f"R-{number}-{month}",
        date(2025, month, 28),
        date(2025, month, 1),
        date(2025, month, 27),
        date(2025, month + 1, 14),
        (
            BillLine(
                BillLineKind.BASE, Words("Grundpreis", "Base"), "1 Monat", 999, Words("Tarif", "Tariff")
            ),
            BillLine(
                BillLineKind.CREDIT, Words("Gutschrift", "Credit"), "", -250, Words("Kulanz", "Courtesy")
            ),
        ),
    )


def a_record(minute: int) -> ConnectionRecord:
    at = datetime(2025, 1, 3, tzinfo=UTC) + timedelta(minutes=minute)
    return ConnectionRecord(at, ConnectionKind.CALL, "+49301234…", minute, 0, minute)


def a_back_end() -> MemoryBackEnd:
    return MemoryBackEnd(
        lines={LINE.subject: a_line("1"), OTHER.subject: a_line("2")},
        offered_tariffs=[SMALL, LARGE],
        offered_options=[ROAM_OPTION, MUSIC_OPTION],
        roaming=[
            RoamingPrice(
                Words("Schweiz", "Switzerland"),
                (Words("Schweiz", "Switzerland"), Words("Liechtenstein", "Liechtenstein")),
                99,
                19,
                29,
                Words("Preise je Minute", "Prices per minute"),
            )
        ],
        faults={
            "10623": [
                NetworkFault(
                    f"S-{day}",
                    "106..",
                    Words("Langsam", "Slow"),
                    FaultState.REPAIRED if day == 1 else FaultState.KNOWN,
                    datetime(2026, 3, day, tzinfo=UTC),
                    None if day == 1 else NOW + timedelta(hours=2),
                )
                for day in (1, 13)
            ]
        },
    )


@dataclass
class World:
    back_end: MemoryBackEnd
    simulator: Simulator
    adapter: TmfBackEnd
    url: str
    sleeps: list[float]

    @property
    def line(self) -> MemoryLine:
        return self.back_end.lines[LINE.subject]


@contextmanager
def a_world(patience: Patience = QUICK, **options: Any) -> Iterator[World]:
    back_end = a_back_end()
    options = {"hold_seconds": HOLD_SECONDS, "slow_seconds": 0.1, "clock": lambda: NOW, **options}
    simulator = Simulator(back_end, token=TOKEN, **options)
    sleeps: list[float] = []
    with serving(simulator) as url:
        adapter = TmfBackEnd(url, TOKEN, patience=patience, sleep=sleeps.append)
        try:
            yield World(back_end, simulator, adapter, url, sleeps)
        finally:
            adapter.close()
