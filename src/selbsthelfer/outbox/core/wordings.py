"""The words for every kind of message that goes out, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from selbsthelfer.kit.wording import Language, Words, volume
from selbsthelfer.outbox.core.wording import (
    Content,
    UntoldError,
    Worded,
    Wording,
    at_moment,
    both,
    in_bytes,
    in_minutes,
    language_of,
    listed,
    plain,
    until_day,
    word,
)

_NOT_YOU: Final = Words(
    "Nicht von Ihnen? Bitte melden Sie sich gleich.",
    "Was this not you? Please contact us right away.",
)


def _used(percent: Any, zone: str) -> Words:  # noqa: ARG001 - a teller gets the zone
    if int(percent) >= 100:
        return Words("Ihr Inklusivvolumen ist verbraucht.", "Your included data is used up.")
    return Words(
        f"{int(percent)} % Ihres Inklusivvolumens sind verbraucht.",
        f"You have used {int(percent)}% of your included data.",
    )


def _bonus_left(bytes_: Any, zone: str) -> Words:  # noqa: ARG001 - a teller gets the zone
    if not int(bytes_):
        return Words("", "")
    left = volume(int(bytes_))
    return Words(f"Dazu haben Sie noch {left.de} Bonus.", f"You also have {left.en} of bonus data left.")


def _alert(subject: Words, what: Words, path: str) -> Wording:
    """Word an alert that something about the account changed; `at` is when."""
    text = Words(f"{what.de} {_NOT_YOU.de}", f"{what.en} {_NOT_YOU.en}")
    return Wording(subject, text, path=path, values={"at": at_moment})


_CODES: Final = {
    "sign_in_code": Wording(
        Words("Ihr Code zum Anmelden", "Your sign-in code"),
        Words(
            "{code} ist Ihr Code zum Anmelden. Er gilt {minutes}. Geben Sie ihn niemandem, "
            "auch uns nicht am Telefon.",
            "{code} is your sign-in code. It is valid for {minutes}. Give it to nobody, "
            "not even to us on the phone.",
        ),
        values={"code": plain, "minutes": in_minutes},
        is_secret=True,
    ),
    "second_proof_code": Wording(
        Words("Ihr Code zum Bestätigen", "Your confirmation code"),
        Words(
            "{code} ist Ihr Code zum Bestätigen einer Änderung. Er gilt {minutes}. Sie ändern gerade nichts? "
            "Dann geben Sie ihn niemandem.",
            "{code} is your code to confirm a change. It is valid for {minutes}. Not changing anything? Then "
            "give it to nobody.",
        ),
        values={"code": plain, "minutes": in_minutes},
        is_secret=True,
    ),
    "email_confirmation": Wording(
        Words("Bitte bestätigen Sie Ihre E-Mail-Adresse", "Please confirm your e-mail address"),
        Words(
            "Diese E-Mail-Adresse soll in „Mein Bereich“ hinterlegt werden. Bitte bestätigen Sie das mit dem "
            "Link. Wenn Sie das nicht waren, müssen Sie nichts tun.",
            "This e-mail address is to be added to My Account. Please confirm this with the link. If this "
            "was not you, there is nothing you need to do.",
        ),
        values={"path": plain},
        is_secret=True,
    ),
    "email_confirmation_code": Wording(
        Words("Ihr Code für diese E-Mail-Adresse", "Your code for this e-mail address"),
        Words(
            "{code} bestätigt diese E-Mail-Adresse. Der Code gilt {minutes}. Wenn Sie das nicht waren, "
            "müssen Sie nichts tun.",
            "{code} confirms this e-mail address. The code is valid for {minutes}. If this was not you, "
            "there is nothing you need to do.",
        ),
        values={"code": plain, "minutes": in_minutes},
        is_secret=True,
    ),
}

_ALERTS: Final = {
    "email_changed": _alert(
        Words("Ihre E-Mail-Adresse wurde geändert", "Your e-mail address was changed"),
        Words("Ihre E-Mail-Adresse wurde am {at} geändert.", "Your e-mail address was changed on {at}."),
        "/account/security",
    ),
    "password_changed": _alert(
        Words("Ihr Passwort wurde geändert", "Your password was changed"),
        Words("Ihr Passwort wurde am {at} geändert.", "Your password was changed on {at}."),
        "/account/security",
    ),
    "factor_changed": _alert(
        Words("Ihr zweiter Faktor wurde geändert", "Your second factor was changed"),
        Words("Ihr zweiter Faktor wurde am {at} geändert.", "Your second factor was changed on {at}."),
        "/account/security",
    ),
    "bank_account_changed": _alert(
        Words("Ihre Bankverbindung wurde geändert", "Your bank account was changed"),
        Words("Ihre Bankverbindung wurde am {at} geändert.", "Your bank account was changed on {at}."),
        "/receipts/",
    ),
    "address_changed": _alert(
        Words("Ihre Anschrift wurde geändert", "Your postal address was changed"),
        Words("Ihre Anschrift wurde am {at} geändert.", "Your postal address was changed on {at}."),
        "/receipts/",
    ),
    "sim_blocked": Wording(
        Words("Ihre SIM-Karte ist gesperrt", "Your SIM card is blocked"),
        Words(
            "Ihre SIM-Karte ist seit dem {at} gesperrt. Entsperren können Sie sie online.",
            "Your SIM card has been blocked since {at}. You can unblock it online.",
        ),
        path="/",
        values={"at": at_moment},
    ),
}

_VOLUME: Final = {
    "receipt": Wording(
        Words("Beleg {number}: {what}", "Receipt {number}: {what}"),
        Words("Erledigt: {what}. Ihr Beleg: {number}.", "Done: {what}. Your receipt: {number}."),
        path="/receipts/{number}",
        values={"number": plain, "what": both},
    ),
    "credited": Wording(
        Words("{bytes} gutgeschrieben", "{bytes} credited"),
        Words(
            "{bytes} gutgeschrieben, nutzbar bis zum {until}.",
            "{bytes} credited. You can use it until {until}.",
        ),
        path="/rewards",
        values={"bytes": in_bytes, "until": until_day},
    ),
    "tranche_waiting": Wording(
        Words("{bytes} warten auf Sie", "{bytes} is waiting for you"),
        Words(
            "{bytes} warten auf Sie. Erledigen Sie bis zum {until} etwas online, dann gehören sie Ihnen.",
            "{bytes} is waiting for you. Do one thing online by {until} and it is yours.",
        ),
        path="/rewards",
        values={"bytes": in_bytes, "until": until_day},
    ),
    "bucket_ending": Wording(
        Words("Noch {bytes} bis zum {until}", "{bytes} left until {until}"),
        Words(
            "Sie haben noch {bytes} Bonus. Nutzen können Sie ihn bis zum {until}.",
            "You have {bytes} of bonus data left. You can use it until {until}.",
        ),
        path="/rewards",
        values={"bytes": in_bytes, "until": until_day},
    ),
    "allowance.notice": Wording(
        Words("Ihr Datenvolumen", "Your data"),
        Words("{percent} {bonus_bytes}", "{percent} {bonus_bytes}"),
        path="/",
        values={"percent": _used, "bonus_bytes": _bonus_left},
    ),
}

_CASES: Final = {
    "case_received": Wording(
        Words("Ihr Anliegen {number} ist angekommen", "We have received your request {number}"),
        Words(
            "Ihr Anliegen ist angekommen: {number}. Wir antworten bis zum {promised_at}.",
            "We have received your request: {number}. We will reply by {promised_at}.",
        ),
        Words(
            "Bitte nennen Sie diese Nummer, wenn Sie sich noch einmal melden, gleich auf welchem Weg.",
            "Please quote this number whenever you contact us again, by whatever means.",
        ),
        path="/cases/{number}",
        values={"number": plain, "promised_at": at_moment},
    ),
    "case_answered": Wording(
        Words("Antwort auf Ihr Anliegen {number}", "A reply to your request {number}"),
        Words(
            "Wir haben Ihr Anliegen {number} beantwortet. Die Antwort lesen Sie hier:",
            "We have replied to your request {number}. You can read the reply here:",
        ),
        path="/cases/{number}",
        values={"number": plain},
    ),
    "case_answered_in_full": Wording(
        Words("Antwort auf Ihr Anliegen {number}", "A reply to your request {number}"),
        Words(
            "Antwort auf Ihr Anliegen {number}:\n\n{answer}",
            "Reply to your request {number}:\n\n{answer}",
        ),
        values={"number": plain, "answer": plain},
    ),
    "cancellation_received": Wording(
        Words("Ihre Kündigung ist eingegangen ({number})", "We have received your cancellation ({number})"),
        Words(
            "Ihre Kündigung {number} ist am {received_at} bei uns eingegangen.",
            "Your cancellation {number} reached us on {received_at}.",
        ),
        Words("Das haben Sie uns erklärt:\n\n{declared}", "This is what you declared:\n\n{declared}"),
        values={"number": plain, "received_at": at_moment, "declared": listed},
    ),
    "withdrawal_received": Wording(
        Words("Ihr Widerruf ist eingegangen ({number})", "We have received your withdrawal ({number})"),
        Words(
            "Ihr Widerruf {number} ist am {received_at} bei uns eingegangen.",
            "Your withdrawal {number} reached us on {received_at}.",
        ),
        Words("Das haben Sie uns erklärt:\n\n{declared}", "This is what you declared:\n\n{declared}"),
        values={"number": plain, "received_at": at_moment, "declared": listed},
    ),
}

_OPERATION: Final = {
    "alert.orders": Wording(
        Words("Gutschriften brauchen Ihren Blick", "Credits need your attention"),
        Words(
            "Neu seit der letzten Meldung: {refused} abgelehnt, {stuck} nicht zugestellt oder ungeklärt, "
            "{drifts} Abweichungen im Abrechnungssystem.",
            "New since the last message: {refused} refused, {stuck} undelivered or unresolved, "
            "{drifts} differences in the charging system.",
        ),
        Words(
            "Welche das sind und warum, zeigen „selbsthelfer orders list“ und „selbsthelfer reconcile“.",
            "“selbsthelfer orders list” and “selbsthelfer reconcile” show which ones, and why.",
        ),
        values={"refused": plain, "stuck": plain, "drifts": plain},
    ),
}

WORDINGS: Final[Mapping[str, Wording]] = MappingProxyType(
    {**_CODES, **_ALERTS, **_VOLUME, **_CASES, **_OPERATION}
)
"""The words for each kind of message."""

SECRET_KINDS: Final = frozenset(kind for kind, wording in WORDINGS.items() if wording.is_secret)
"""The kinds of messages whose content must not stay readable."""


def word_message(kind: str, content: Content, *, base_url: str, language: Language | None = None) -> Worded:
    """Put a message into words, in its own language unless another is asked for; raises `UntoldError`."""
    wording = WORDINGS.get(kind)
    if wording is None:
        raise UntoldError("there are no words for this kind of message")
    return word(wording, content, language=language or language_of(content), base_url=base_url)
