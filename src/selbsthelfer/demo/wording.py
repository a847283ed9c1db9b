"""What the demo says, in German and in English, and how it writes figures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, NEUTRAL_CODE
from selbsthelfer.kit.wording import Language, Words
from selbsthelfer.programmes.core.wording_contacts import topic_name

INVENTING: Final = Words("Betreiber erfinden", "Inventing the operator")
LOADING: Final = Words("Ereignisse aufnehmen", "Taking in facts")
WRITING: Final = Words("Datei schreiben", "Writing the file")
WRITTEN: Final = Words(
    "{facts} Ereignisse von {lines} Anschlüssen stehen in {path}.",
    "{facts} facts about {lines} lines are in {path}.",
)
TITLE: Final = Words(
    "Musterfunk, ein erfundener Betreiber: {lines} Anschlüsse, {facts} Ereignisse bis zum {day}",
    "Musterfunk, a made-up operator: {lines} lines, {facts} facts up to {day}",
)
LOADED: Final = Words(
    "{facts} Ereignisse in {seconds} s aufgenommen ({rate} je Sekunde).",
    "{facts} facts taken in {seconds} s ({rate} per second).",
)
ALREADY: Final = Words("Die Vorführung war schon geladen.", "The demo was loaded before.")
STALE: Final = Words(
    "Diese Vorführung ist einige Tage alt; eine neue bis gestern: selbsthelfer demo --fresh",
    "This demo is some days old; for a new one up to yesterday: selbsthelfer demo --fresh",
)
GAVE: Final = Words("Gegeben", "Given")
GAVE_TEXT: Final = Words(
    "{volume} in {grants} Gutschriften an {lines} von {treatment} Anschlüssen, davon {used} verbraucht; "
    "{full} Anschlüsse haben die vollen 1,8 GB bekommen",
    "{volume} in {grants} grants to {lines} of {treatment} lines, {used} of it used; "
    "{full} lines got the full 1.8 GB",
)
COST: Final = Words("Gekostet", "Cost")
COST_TEXT: Final = Words("{cost} bei {price} je GB", "{cost} at {price} per GB")
STAGES: Final = Words("Stufen", "Stages")
STAGES_TEXT: Final = Words(
    "{passed} geschafft, {missed} verfehlt, {open} offen; {control} Anschlüsse nur zum Vergleich",
    "{passed} passed, {missed} missed, {open} open; {control} lines held out for comparison",
)
CONTACTS: Final = Words("Kontakte", "Contacts")
COUNTING_TEXT: Final = Words(
    "In den Stufen zählten {counting} von {judged}.", "Inside the stages {counting} of {judged} counted."
)
WHY_NOT: Final = Words(
    "Warum die übrigen nicht zählen, am häufigsten", "Why the others do not count, most often"
)
ORDERS: Final = Words("Aufträge", "Orders")
ORDERS_TEXT: Final = Words(
    "{orders}; für Volumen, dessen Zeitraum beim Laden schon vorbei war, entsteht keiner",
    "{orders}; volume whose period was over when it was loaded needs none",
)
LOOK: Final = Words("Einen Blick wert", "Worth a look")
STAGE: Final = Words("Stufe {window}", "Stage {window}")
NEXT: Final = Words("Weiter geht es mit", "What to try next")
SIGN_IN: Final = Words(
    "Anmelden unter {url}/sign-in mit der Nummer; der Code liegt unter {url}/demo/inbox",
    "Sign in at {url}/sign-in with the number; the code is at {url}/demo/inbox",
)
TOUR: Final = Words("Fünf Minuten Rundgang", "A tour of five minutes")
TOUR_STEPS: Final = (
    Words(
        "Melden Sie sich als {volume_waits} an: Bonus liegt bereit. Ändern Sie die Anschrift: In derselben "
        "Antwort ist er gutgeschrieben, mit Beleg.",
        "Sign in as {volume_waits}: a bonus is ready. Change the address: the same answer credits it, with a "
        "receipt.",
    ),
    Words(
        "„Uhr vorstellen“ (oben): etwas erledigen, anrufen, nächster Monat. In zwei Minuten ist das "
        "ganze Programm durchlebt.",
        "“Move the clock on” (at the top): do something, call, next month. The whole programme passes in two "
        "minutes.",
    ),
    Words(
        "Als {second_stage_after_a_missed_one} unter „Bonus“: Ein Anruf zählte und kostete Stufe 1. „Das "
        "stimmt nicht“ schickt ihn an einen Menschen.",
        "As {second_stage_after_a_missed_one} under “Rewards”: one call counted and cost stage 1. “That is "
        "not right” sends it to a person.",
    ),
    Words(
        "Dieser Mensch sind Sie: {program} case list, dann case reinstate NUMMER --by team --reason "
        "Kulanz. Die Stufe ist bestanden.",
        "That person is you: {program} case list, then case reinstate NUMBER --by team --reason goodwill. "
        "The stage is passed.",
    ),
    Words(
        "„Panne beginnen“ und etwas erledigen: Es scheitert, und ein Anruf deswegen zählt nicht.",
        "“Begin a breakdown” and do something: it fails, and a call about it does not count.",
    ),
    Words(
        "Ohne Anmeldung: {url}/block-sim sperrt eine SIM, {url}/cancel kündigt, beides mit Beleg.",
        "Without signing in: {url}/block-sim blocks a SIM, {url}/cancel cancels, both with a receipt.",
    ),
)
SYSTEMS: Final[Mapping[str, str]] = MappingProxyType(
    {"tmf654": "TMF654", "sigscale": "SigScale OCS", "cgrates": "CGRateS"}
)
"""The charging systems that can be played, by name."""
DELIVERED: Final = Words(
    "{credits} Gutschriften liegen in einem gespielten {system}, {different} verschiedene. {faults} Versuche "
    "ließ es scheitern; {seconds} s.",
    "{credits} credits are in a played {system}, {different} different ones. It made {faults} attempts fail; "
    "{seconds} s.",
)
PORTAL: Final = Words(
    "Das Portal läuft unter {url} (Strg-C beendet es).", "The portal is at {url} (Ctrl-C stops it)."
)
PORT_TAKEN: Final = Words(
    "Port {port} ist belegt, deshalb startet das Portal nicht; ein anderer: --port.",
    "Port {port} is taken, so the portal does not start; choose another with --port.",
)

ROLES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "new": Words("neu dabei", "has just joined"),
        "second_stage_after_a_missed_one": Words(
            "zweite Stufe, die erste verfehlt", "second stage, the first one missed"
        ),
        "bonus_half_used": Words("Bonus etwa halb verbraucht", "bonus about half used"),
        "volume_waits": Words("Bonus liegt bereit", "a bonus waits for a task"),
        "bonus_used_up": Words("Bonus aufgebraucht", "bonus used up"),
        "failed_yesterday": Words(
            "gestern ist etwas online gescheitert", "something failed online yesterday"
        ),
        "all_earned": Words("alles bekommen: 1,8 GB", "earned it all: 1.8 GB"),
    }
)
"""What each line worth a look shows."""

LABELS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "hotline": Words("Hotline", "hotline"),
        "chat": Words("Chat", "chat"),
        "shop": Words("Shop", "shop"),
        "open": Words("offen", "open"),
        "confirmed": Words("bestätigt", "confirmed"),
        "uncertain": Words("ungewiss", "uncertain"),
        "refused": Words("abgelehnt", "refused"),
    }
)
"""Channels, and states of an order."""

CODES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "channel": Words("nicht über die Hotline", "not on the hotline"),
        "operator_initiated": Words("vom Betreiber ausgegangen", "the operator's own doing"),
        "not_served": Words("nicht bedient oder unter 30 Sekunden", "not served, or less than 30 seconds"),
        "not_online": Words("online nicht lösbar", "cannot be solved online"),
        "selfservice_failed": Words("online zuvor gescheitert", "failed online before"),
        "repeat": Words("Wiederholung binnen sieben Tagen", "repeated within seven days"),
        "crisis": Words("während des großen Netzausfalls", "during the great outage"),
        "late": Words("zu spät gemeldet", "reported too late"),
        "goodwill": Words("aus Kulanz", "out of goodwill"),
        "reclassified": Words("vom Team anders entschieden", "decided otherwise by the team"),
    }
)
"""Why a contact does not count, where the code is not itself a topic."""


def code_name(code: str) -> Words:
    """Say in a few words why a contact does not count."""
    if code in CODES:
        return CODES[code]
    return topic_name(code) if code in {*EXEMPT_TOPICS, NEUTRAL_CODE} or "." in code else Words(code, code)


def number(value: float, language: Language, decimals: int = 0) -> str:
    """Write a number with marks between its thousands."""
    text = f"{value:,.{decimals}f}"
    return text if language is Language.ENGLISH else text.translate(str.maketrans(",.", ".,"))


def euros(cents: int, language: Language) -> str:
    """Write an amount of money."""
    amount = number(cents / 100, language, 2)
    return f"{amount} €" if language is Language.GERMAN else f"EUR {amount}"


def gigabytes(bytes_: int, language: Language) -> str:
    """Write a large volume, rounded to a tenth of a gigabyte."""
    return f"{number(bytes_ / 1_000_000_000, language, 1)} GB"


def listed(counts: Mapping[str, int], language: Language) -> str:
    """List figures with what each of them counts."""
    named = ((number(n, language), LABELS.get(name, Words(name, name))) for name, n in counts.items())
    return ", ".join(f"{figure} {label.told(language)}" for figure, label in named) or "0"


def language_of(environment: Mapping[str, str]) -> Language:
    """Find the user's language by the first of LC_ALL, LC_MESSAGES and LANG that is set, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            is_german = environment[name].lower().startswith("de")
            return Language.GERMAN if is_german else Language.ENGLISH
    return Language.ENGLISH
