"""The words of the pages themselves; what is told about a line has its words in `programmes.core`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from selbsthelfer.kit.wording import Language, Words

TEXTS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "skip": Words("Zum Inhalt", "Skip to content"),
        "languages": Words("Sprache", "Language"),
        "no_sign_in": Words(
            "Vorschau ohne Anmeldung, nur auf diesem Rechner erreichbar.",
            "Preview without sign-in, reachable on this machine only.",
        ),
        "start_title": Words("Selbst erledigt, Volumen verdient", "Do it yourself, earn data volume"),
        "start_lead": Words(
            "Wer sein Anliegen online löst, statt bei der Hotline anzurufen, bekommt Datenvolumen, "
            "sofort nach der Erledigung gutgeschrieben. Die Hotline bleibt offen, und was einmal "
            "gutgeschrieben ist, wird nie zurückgenommen.",
            "Whoever solves a concern online instead of calling the hotline gets data volume, credited the "
            "moment it is done. The hotline stays open, and what was credited is never taken back.",
        ),
        "start_form": Words("Einen Anschluss ansehen", "Look at a line"),
        "line_id": Words("Kennung des Anschlusses", "Id of the line"),
        "line_hint": Words(
            "Die Kennung, unter der der Betreiber den Anschluss führt.",
            "The id under which the operator keeps the line.",
        ),
        "line_missing": Words(
            "Bitte geben Sie eine Kennung mit höchstens 200 Zeichen ein.",
            "Please enter an id of at most 200 characters.",
        ),
        "show": Words("Anzeigen", "Show"),
        "line": Words("Anschluss", "Line"),
        "balance": Words("Jetzt nutzbar", "Usable now"),
        "unlimited": Words("unbegrenzt", "unlimited"),
        "nothing": Words("nichts", "nothing"),
        "resting": Words(
            "Der Anschluss ist zurzeit gesperrt; so lange ruht das Volumen.",
            "The line is suspended at present; its volume rests as long.",
        ),
        "buckets": Words("Volumen dieses Anschlusses", "Volume of this line"),
        "kind": Words("Art", "Kind"),
        "left": Words("Übrig", "Left"),
        "used_up": Words("aufgebraucht", "used up"),
        "of": Words("von", "of"),
        "earned": Words("Erhalten", "Received"),
        "at_most": Words("von höchstens", "of at most"),
        "next": Words("Jetzt", "Now"),
        "stages": Words("Stufen", "Stages"),
        "payout": Words("Auszahlung der letzten Stufe", "Payout of the last stage"),
        "contacts": Words("Kontakte", "Contacts"),
        "no_contacts": Words(
            "In den Stufen gab es bisher keinen Kontakt.", "There has been no contact in the stages so far."
        ),
        "counts": Words("zählt", "counts"),
        "counts_not": Words("zählt nicht", "does not count"),
        "credits": Words("Gutschriften", "Credits"),
        "credits_caption": Words("Was gutgeschrieben wurde", "What was credited"),
        "credit": Words("Gutschrift", "Credit"),
        "no_credits": Words("Bisher wurde nichts gutgeschrieben.", "Nothing has been credited so far."),
        "by": Words("Wodurch", "By what"),
        "home": Words("Zur Startseite", "To the start page"),
        "not_found": Words("Das gibt es hier nicht", "There is nothing here"),
        "not_found_text": Words(
            "Diese Seite oder diesen Anschluss kennen wir nicht. Bitte prüfen Sie die Kennung.",
            "We know neither this page nor this line. Please check the id.",
        ),
        "forbidden": Words("Nur auf diesem Rechner", "On this machine only"),
        "forbidden_text": Words(
            "Es gibt noch keine Anmeldung; deshalb antworten diese Seiten nur dem eigenen Rechner.",
            "There is no sign-in yet, so these pages answer only to the machine they run on.",
        ),
        "failed": Words("Das hat nicht geklappt", "That did not work"),
        "failed_text": Words(
            "Der Fehler liegt bei uns. Bitte versuchen Sie es gleich noch einmal.",
            "The fault is ours. Please try again in a moment.",
        ),
    }
)

LANGUAGE_NAMES: Final = ((Language.GERMAN, "Deutsch"), (Language.ENGLISH, "English"))


def texts(language: Language) -> dict[str, str]:
    """Give all words of the pages in one language."""
    return {name: words.told(language) for name, words in TEXTS.items()}
