"""What is stored about a line for self-service and rewards, why, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from selbsthelfer.kit.wording import Words


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data: what it is and is for, how long it is kept, and whether a wish erases it."""

    what: Words
    purpose: Words
    kept_for: Words
    is_erased_on_wish: bool


_WHILE_CONTRACT = Words(
    "solange der Vertrag läuft, danach 3 Jahre (Verjährung)",
    "as long as the contract runs, then 3 years (limitation)",
)

KEPT = (
    Kept(
        Words(
            "Was Sie wann online erledigt haben und ob es gelang; nicht, was Sie eingegeben haben",
            "Which task you finished online, when, and whether it worked; not what you entered",
        ),
        Words("Bonus gutschreiben und erklären", "Crediting and explaining rewards"),
        _WHILE_CONTRACT,
        False,
    ),
    Kept(
        Words(
            "Wann Sie uns auf welchem Weg und zu welchem Thema erreicht haben; keine Aufnahme, kein Inhalt",
            "When you reached us, by which channel and about which topic; no recording, no content",
        ),
        Words(
            "Entscheiden, ob ein Anruf für den Bonus zählt", "Deciding whether a call counts for the rewards"
        ),
        _WHILE_CONTRACT,
        False,
    ),
    Kept(
        Words(
            "Ihre Teilnahme am Programm, Stufen und Gutschriften",
            "Your part in the programme, stages and credits",
        ),
        Words("Zugesagtes halten", "Keeping what was promised"),
        _WHILE_CONTRACT,
        False,
    ),
    Kept(
        Words("Volumen und Verbrauch je Tag", "Volume and use by day"),
        Words("Guthaben führen und anzeigen", "Keeping and showing the balance"),
        Words("13 Monate", "13 months"),
        False,
    ),
    Kept(
        Words(
            "Zugang: E-Mail-Adresse, Passwort (nur als Prüfwert), Passkeys, zweiter Faktor, Geräte",
            "Access: e-mail address, password (as a check value only), passkeys, second factor, devices",
        ),
        Words("Anmelden und schützen", "Signing in and protecting"),
        Words("bis Sie es löschen", "until you delete it"),
        True,
    ),
    Kept(
        Words("Quittungen mit ihren Einzelheiten", "Receipts with their details"),
        Words("Nachweis für Sie", "Proof for you"),
        Words("3 Jahre", "3 years"),
        True,
    ),
    Kept(
        Words("Nachrichten, Beschwerden und Einsprüche", "Messages, complaints and disputes"),
        Words("Antworten", "Answering"),
        Words(
            "3 Jahre; Kündigungen und Widerrufe so lange als Nachweis",
            "3 years; cancellations and withdrawals as long, as proof",
        ),
        True,
    ),
    Kept(
        Words("Einwilligungen, wann gegeben und widerrufen", "Consents, when given and withdrawn"),
        Words("Nachweis", "Proof"),
        Words("3 Jahre nach dem Widerruf", "3 years after withdrawal"),
        False,
    ),
)
"""Every kind of data, in the order in which people are told."""
