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
        _WHILE_CONTRACT,
        False,
    ),
    Kept(
        Words(
            "Zugang: E-Mail-Adresse, Passwort (nur als Prüfwert), Passkeys, zweiter Faktor, Sprache",
            "Access: e-mail address, password (as a check value only), passkeys, second factor, language",
        ),
        Words("Anmelden und schützen", "Signing in and protecting"),
        Words("bis Sie es löschen", "until you delete it"),
        True,
    ),
    Kept(
        Words(
            "Wo Sie angemeldet sind: Zeit, Browser und Adresse im Netz",
            "Where you are signed in: time, browser and network address",
        ),
        Words("Anmeldungen zeigen und beenden", "Showing and ending sign-ins"),
        Words("bis zum Abmelden, längstens 14 Tage", "until you sign out, at most 14 days"),
        True,
    ),
    Kept(
        Words("Codes zum Anmelden und Bestätigen", "Codes for signing in and confirming"),
        Words("Anmelden und schützen", "Signing in and protecting"),
        Words("24 Stunden", "24 hours"),
        True,
    ),
    Kept(
        Words("SMS und E-Mails, die wir Ihnen geschickt haben", "Text messages and e-mails that we sent you"),
        Words("Zustellen und nachsehen", "Delivering and looking up"),
        Words("90 Tage lesbar, danach nur Art und Zeit", "readable for 90 days, then only kind and time"),
        True,
    ),
    Kept(
        Words(
            "Einzelheiten auf Belegen; Nummer und Zeit bleiben", "Details on receipts; number and time stay"
        ),
        Words("Nachweis für Sie", "Proof for you"),
        _WHILE_CONTRACT,
        True,
    ),
    Kept(
        Words("Nachrichten, Beschwerden und Einsprüche", "Messages, complaints and disputes"),
        Words("Antworten", "Answering"),
        _WHILE_CONTRACT,
        True,
    ),
    Kept(
        Words(
            "Einladungen zum Programm und gewünschte Erinnerungen", "Invitations and reminders you wished for"
        ),
        Words("Einladen und erinnern", "Inviting and reminding"),
        _WHILE_CONTRACT,
        True,
    ),
    Kept(
        Words(
            "Was unsere Systeme über Ihren Anschluss untereinander fragen und melden, ohne Texte",
            "What our systems ask and tell each other about your line, without texts",
        ),
        Words("Volumen buchen, Anfragen nicht doppelt ausführen", "Crediting volume, doing nothing twice"),
        Words(
            "Antworten 2 Tage, Meldungen 30 Tage, Anfragen 90 Tage, Buchungen so lange wie das Volumen",
            "answers for 2 days, events for 30, requests for 90, bookings as long as the volume",
        ),
        True,
    ),
    Kept(
        Words("Kündigungen und Widerrufe", "Cancellations and withdrawals"),
        Words("Nachweis für beide Seiten", "Proof for both sides"),
        Words(
            "auch nach einer Löschung, bis zum Ende des dritten Jahres nach der Erklärung",
            "even after an erasure, until the end of the third year after the declaration",
        ),
        False,
    ),
    Kept(
        Words("Einwilligungen, wann gegeben und widerrufen", "Consents, when given and withdrawn"),
        Words("Nachweis", "Proof"),
        _WHILE_CONTRACT,
        False,
    ),
)
"""Every kind of data, in the order in which people are told. What goes by itself is named exactly: codes,
sessions, messages, and declarations after an erasure."""
