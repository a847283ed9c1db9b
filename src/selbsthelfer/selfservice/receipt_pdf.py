"""A receipt on paper: what was done, when, and what it brought."""

from __future__ import annotations

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.kit.wording import Language, Words, last_day, moment, volume
from selbsthelfer.selfservice.core.results import OUTCOMES, Credited, Receipt
from selbsthelfer.selfservice.paper import Paper

_TITLE = Words("Beleg", "Receipt")
_NUMBER = Words("Belegnummer", "Receipt number")
_WHEN = Words("Zeitpunkt", "Date and time")
_WHAT_BECAME = Words("Ergebnis", "Result")
_FROM_WHEN = Words("Wirksam", "Effective")
_DETAILS = Words("Einzelheiten", "Details")
_CREDITED = Words("Gutgeschrieben", "Credited")


def receipt_pdf(
    receipt: Receipt, *, zone: str, language: Language, brand: str, is_small: bool = True
) -> bytes:
    """Write a receipt as a PDF of one page in the time zone and the language of its reader."""
    done = receipt.done
    kind = CATALOGUE[done.activity]
    title = f"{_TITLE.told(language)} {receipt.number}"
    paper = Paper(title=title, language=language, brand=brand, is_small=is_small)
    paper.heading(Words(kind.german, kind.english).told(language))
    paper.pair(_NUMBER.told(language), receipt.number)
    paper.pair(_WHEN.told(language), moment(done.finished_at, zone).told(language))
    paper.pair(_WHAT_BECAME.told(language), OUTCOMES[done.outcome].told(language))
    if done.effective is not None:
        paper.pair(_FROM_WHEN.told(language), done.effective.told(language))
    if done.reason is not None:
        paper.paragraph(done.reason.told(language))
    if done.details:
        paper.subheading(_DETAILS.told(language))
        for detail in done.details:
            paper.pair(detail.name.told(language), detail.value.told(language))
    if done.credited:
        paper.subheading(_CREDITED.told(language))
        for credited in done.credited:
            paper.paragraph(_told(credited, zone).told(language))
    paper.rule()
    paper.paragraph(
        Words(
            f"Diesen Beleg hat {brand} automatisch ausgestellt. Er gilt ohne Unterschrift. Nennen Sie "
            "die Nummer, wenn Sie sich dazu melden.",
            f"{brand} issued this receipt automatically. It is valid without a signature. Please "
            "quote the number if you contact us about it.",
        ).told(language),
        is_quiet=True,
    )
    return paper.finished()


def _told(credited: Credited, zone: str) -> Words:
    """Call volume usable only once it is confirmed."""
    size, until = volume(credited.bytes), last_day(credited.usable_until, zone)
    if credited.is_confirmed:
        return Words(f"{size.de}, nutzbar bis {until.de}", f"{size.en}, usable until {until.en}")
    return Words(
        f"{size.de}, wird gebucht, danach nutzbar bis {until.de}",
        f"{size.en}, being credited, then usable until {until.en}",
    )
