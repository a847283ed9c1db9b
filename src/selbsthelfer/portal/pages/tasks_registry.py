"""Which page does which activity, how the tasks are grouped, and by which words they are found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from selbsthelfer.activities.core.catalogue import CATALOGUE, Activity
from selbsthelfer.kit.wording import Words

MAX_SEARCHED: Final = 60
"""Characters of what somebody looks for in the list of tasks."""

REGISTERING: Final = "acc.register"
"""What the first sign-in does."""
_FOR_EVERYBODY: Final = frozenset({"contact"})

PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acc.register": "sign_in",
        "acc.password": "change_password",
        "acc.2fa": "security",
        "acc.contact": "email",
        "acc.lang": "appearance",
        "bill.view": "bills",
        "bill.explain": "bill_explain",
        "bill.itemised": "itemised",
        "bill.object": "object",
        "use.view": "usage",
        "con.view": "contract",
        "con.cancel": "cancel",
        "con.withdraw": "withdraw",
        "sim.block": "block_sim",
        "sim.puk": "sim_secrets",
        "roam.info": "roaming_prices",
        "net.status": "network_status",
        "net.report": "report_fault",
        "net.diagnose": "diagnose",
        "help.article": "articles",
        "help.message": "write",
        "help.complaint": "complain",
        "priv.consents": "consents",
        "priv.export": "export",
        "priv.erase": "erase",
    }
)
"""The name of the address at which an activity is done, where it is not the page of an order."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that people look for in one place."""

    id: str
    name: Words
    activities: Sequence[str]


GROUPS: Final = (
    Group(
        "bill",
        Words("Rechnung und Bezahlen", "Bills and paying"),
        (
            "bill.view",
            "bill.explain",
            "bill.itemised",
            "bill.paperless",
            "bill.iban",
            "bill.thirdparty",
            "bill.object",
        ),
    ),
    Group(
        "use",
        Words("Verbrauch und Tarif", "Usage and tariff"),
        ("use.view", "use.autotopup", "con.view", "con.change", "con.option"),
    ),
    Group(
        "sim",
        Words("SIM-Karte und eSIM", "SIM card and eSIM"),
        ("sim.puk", "sim.activate", "sim.replace", "sim.block", "sim.unblock"),
    ),
    Group(
        "call",
        Words("Anrufe und Mailbox", "Calls and voicemail"),
        ("call.forward", "call.voicemail", "call.block"),
    ),
    Group("roam", Words("Ausland", "Abroad"), ("roam.switch", "roam.info")),
    Group(
        "net", Words("Netz und Störungen", "Network and faults"), ("net.status", "net.diagnose", "net.report")
    ),
    Group(
        "acc",
        Words("Konto und Anmeldung", "Account and sign-in"),
        ("acc.address", "acc.contact", "acc.password", "acc.2fa", "acc.register", "acc.lang"),
    ),
    Group(
        "help",
        Words("Hilfe und Ihre Rechte", "Help and your rights"),
        (
            "help.article",
            "help.message",
            "help.complaint",
            "con.cancel",
            "con.withdraw",
            "priv.consents",
            "priv.export",
            "priv.erase",
        ),
    ),
)
"""Every task that the portal carries out, in the order in which people are shown them."""

EVERYDAY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acc.register": "registrieren neu konto anlegen sign up register new account login",
        "acc.password": "kennwort passwort vergessen ändern password forgotten change login",
        "acc.2fa": "zweiter faktor sicherheit passkey app totp code two-factor security authenticator",
        "acc.contact": "mail email e-mail mailadresse kontakt address",
        "acc.address": "adresse anschrift umzug umziehen umgezogen wohnung straße post move moving house",
        "acc.lang": "deutsch englisch sprache dunkel hell dunkelmodus language german english dark mode",
        "bill.view": "rechnung pdf betrag monat invoice bill amount download",
        "bill.explain": "rechnung zu hoch teuer verstehen posten erklären invoice expensive understand",
        "bill.itemised": "evn verbindungen gespräche anrufliste einzeln call records calls list",
        "bill.paperless": "papier online brief post rechnung paper e-bill letter",
        "bill.iban": "konto bank iban sepa lastschrift abbuchung kontonummer direct debit payment account",
        "bill.object": "falsch fehler widersprechen einspruch reklamieren reklamation wrong dispute complain",
        "bill.thirdparty": "abo abofalle klingelton sonderdienste drittanbietersperre subscription premium",
        "use.view": "daten volumen verbrauch gigabyte gb rest data left remaining used",
        "use.autotopup": "datenautomatik nachbuchen automatisch snack extra volume automatically charged",
        "con.view": "vertrag laufzeit kündigungsfrist ende contract term notice end",
        "con.change": "tarif wechseln mehr daten upgrade plan change cheaper günstiger",
        "con.option": "option paket zusatz buchen abbestellen add-on package extra remove",
        "con.cancel": "kündigen kündigung vertrag beenden cancel terminate leave",
        "con.withdraw": "widerruf widerrufen 14 tage rückgängig withdraw undo order cooling off",
        "sim.activate": "neue karte freischalten aktivieren esim code new card",
        "sim.block": "verloren gestohlen diebstahl weg handy lost stolen phone 116116",
        "sim.unblock": "wiedergefunden entsperren freigeben found again unlock",
        "sim.replace": "kaputt defekt größe neue karte ersatz esim broken lost new card",
        "sim.puk": "pin puk code gesperrt vergessen locked forgotten",
        "call.forward": "umleiten weiterleiten rufumleitung forward divert redirect",
        "call.voicemail": "mailbox anrufbeantworter abschalten voicemail answering machine turn off",
        "call.block": "sperren werbung belästigung nummer spam nuisance bar block",
        "roam.info": "ausland urlaub eu preise kosten schweiz holiday abroad costs prices travel",
        "roam.switch": "ausland urlaub roaming internet abroad holiday data travel",
        "net.status": "störung netz kein empfang ausfall outage fault down no signal coverage",
        "net.report": "störung melden kein netz defekt report fault no service",
        "net.diagnose": "langsam kein internet geht nicht hilfe prüfen slow not working troubleshoot check",
        "help.article": "anleitung hilfe faq frage wie einrichten apn guide how to help question",
        "help.message": "schreiben kontakt frage mensch nachricht write contact question person",
        "help.complaint": "beschwerde beschweren ärger unzufrieden complain unhappy",
        "priv.consents": "werbung einwilligung datenschutz advertising consent privacy marketing",
        "priv.export": "dsgvo auskunft meine daten kopie gdpr my data copy download",
        "priv.erase": "löschen dsgvo vergessen daten delete gdpr forget remove",
    }
)
"""Words by which people look for a task and that its name does not hold."""


_LISTED: Final[Mapping[str, Words]] = MappingProxyType(
    {"help.article": Words("Hilfeartikel", "Help articles")},
)
"""What a link says where the activity is named after its success rather than after what one does."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A page that is no task and that people look for in the list of tasks."""

    page: str
    name: Words
    everyday: str


_ELSEWHERE: Final = (
    Elsewhere(
        "rewards",
        Words("Ihr Bonus: Stufen und Gutschriften", "Your rewards: stages and credits"),
        "prämie belohnung guthaben datenguthaben volumen datenvolumen daten gb gigabyte geschenkt gutschrift "
        "programm teilnahme anruf zählt bonus rewards reward points data volume credit credits free earn "
        "programme",
    ),
    Elsewhere(
        "contact",
        Words("Mit einem Menschen sprechen", "Talk to a person"),
        "hotline telefon anrufen anruf telefonnummer nummer mensch mitarbeiter berater kontakt hilfe service "
        "kundenservice chat shop phone call hotline human agent support service contact help",
    ),
    Elsewhere(
        "receipts",
        Words("Ihre Belege", "Your receipts"),
        "beleg quittung bestätigung nachweis receipt receipts confirmation proof",
    ),
)
"""Pages that a search finds beside the tasks."""


def listed_name(activity: Activity) -> Words:
    """Name an activity as a link to where it is done."""
    return _LISTED.get(activity.id, names(activity))


def names(activity: Activity) -> Words:
    """Name an activity in both languages."""
    return Words(activity.german, activity.english)


def is_found(activity: str, searched: str) -> bool:
    """Tell whether every word looked for begins a word of a task's name or of its everyday words."""
    row = CATALOGUE[activity]
    return _fits(f"{row.german} {row.english} {EVERYDAY[activity]}", searched)


def tasks_found(searched: str, *, is_known: bool) -> list[tuple[Group, list[Activity]]]:
    """List the groups with the tasks that fit what somebody looks for; all of them for an empty search.

    Whoever is known here has registered, and is not offered to do that.
    """
    found = [
        (
            group,
            [
                CATALOGUE[activity]
                for activity in group.activities
                if is_found(activity, searched) and not (is_known and activity == REGISTERING)
            ],
        )
        for group in GROUPS
    ]
    return [(group, activities) for group, activities in found if activities]


def elsewhere_found(searched: str, *, is_known: bool) -> list[Elsewhere]:
    """List the pages beside the tasks that fit what somebody looks for; none for an empty search."""
    if not _plain(searched):
        return []
    pages = [page for page in _ELSEWHERE if is_known or page.page in _FOR_EVERYBODY]
    return [page for page in pages if _fits(f"{page.name.de} {page.name.en} {page.everyday}", searched)]


def _fits(known: str, searched: str) -> bool:
    """Tell whether every word looked for begins a word of a text."""
    words = _plain(known)
    return all(any(word.startswith(part) for word in words) for part in _plain(searched[:MAX_SEARCHED]))


def _plain(text: str) -> list[str]:
    """Split a text into small words in which ä is ae, as it is typed where the key is missing."""
    small = text.lower()
    for written, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        small = small.replace(written, plain)
    return re.findall(r"[a-z0-9]+", small.replace("-", ""))
