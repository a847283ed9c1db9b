"""Every kind of message has words in both languages that fit where they go."""

from __future__ import annotations

import re

import pytest
from django.urls import resolve
from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.kit.wording import Language
from selbsthelfer.outbox.core.messages import Channel, UnusableAddressError, channel_of
from selbsthelfer.outbox.core.wording import MAX_SHORT_CHARACTERS, UntoldError
from selbsthelfer.outbox.core.wordings import SECRET_KINDS, WORDINGS, word_message
from tests.outbox.putting import BASE_URL

GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The signs of a short message (3GPP TS 23.038), without the extension table."""
MAX_SMS_CHARACTERS = 160

CONTENT = {
    "code": "482913",
    "minutes": 10,
    "at": "2026-09-30T21:59:00+00:00",
    "until": "2026-10-31T23:00:00+00:00",
    "promised_at": "2026-09-30T18:00:00+00:00",
    "received_at": "2026-09-30T18:00:00+00:00",
    "number": "F-7K3M-2Q9D",
    "what": {"de": "Kostengrenze geändert", "en": "Cost limit changed"},
    "bytes": 100_000_000,
    "percent": 80,
    "bonus_bytes": 199_990_000,
    "declared": [[{"de": "Art", "en": "Kind"}, {"de": "ordentlich", "en": "with notice"}], ["Name", "Erika"]],
    "answer": "Das haben wir für Sie geändert.",
    "refused": 3,
    "stuck": 12,
    "drifts": 1,
}
EMAIL_ONLY = {"alert.orders", "email_confirmation", "email_confirmation_code", "email_changed"}
PATHS = {"email_confirmation": "/account/email/confirm?token=abc"}

each_kind = pytest.mark.parametrize("kind", sorted(WORDINGS))
each_language = pytest.mark.parametrize("language", list(Language))


def content_of(kind: str) -> dict[str, object]:
    return CONTENT | ({"path": PATHS[kind]} if kind in PATHS else {})


@each_kind
@each_language
def test_every_placeholder_is_filled_and_nothing_else_stands_open(kind: str, language: Language) -> None:
    worded = word_message(kind, content_of(kind), base_url=BASE_URL, language=language)
    for text in (worded.subject, worded.text, worded.letter):
        assert text
        assert not re.search(r"[{}]|None|  ", text), text
    assert worded.text in worded.letter
    assert "\n" not in worded.subject
    assert worded.link is None or worded.link in worded.letter


@each_kind
@each_language
def test_a_short_message_fits_into_one_part(kind: str, language: Language) -> None:
    if kind in EMAIL_ONLY:
        return
    text = word_message(kind, content_of(kind), base_url=BASE_URL, language=language).text_with_link
    assert not set(text) - GSM, set(text) - GSM
    assert len(text) <= MAX_SMS_CHARACTERS, f"{len(text)}: {text}"


@each_kind
def test_the_two_languages_differ(kind: str) -> None:
    german, english = (
        word_message(kind, content_of(kind), base_url=BASE_URL, language=language) for language in Language
    )
    assert (german.subject, german.text, german.letter) != (english.subject, english.text, english.letter)
    assert german.text != english.text


@pytest.mark.parametrize("kind", sorted(WORDINGS))
def test_a_value_that_is_missing_is_told_by_name_of_error_and_not_by_a_gap(kind: str) -> None:
    with pytest.raises(UntoldError):
        word_message(kind, {}, base_url=BASE_URL)


def test_codes_are_secret_and_lead_nowhere() -> None:
    assert {kind for kind in WORDINGS if "code" in WORDINGS[kind].values} < SECRET_KINDS
    assert all(WORDINGS[kind].path is None for kind in SECRET_KINDS)


@each_kind
def test_every_link_leads_to_a_page_of_the_portal(kind: str) -> None:
    if WORDINGS[kind].path is None:
        return
    worded = word_message(kind, CONTENT, base_url=BASE_URL)
    assert worded.link is not None
    assert resolve(worded.link.removeprefix(BASE_URL)).func


def test_the_notice_tells_how_much_is_used_and_what_bonus_is_left() -> None:
    def told(percent: int, bonus_bytes: int) -> str:
        content = {"percent": percent, "bonus_bytes": bonus_bytes, "language": "de"}
        return word_message("allowance.notice", content, base_url=BASE_URL).text

    assert told(80, 0) == "80 % Ihres Inklusivvolumens sind verbraucht."
    assert told(100, 0) == "Ihr Inklusivvolumen ist verbraucht."
    assert told(100, 50_000_000) == "Ihr Inklusivvolumen ist verbraucht. Dazu haben Sie noch 50 MB Bonus."


def test_an_end_is_told_as_the_last_day() -> None:
    content = {"bytes": 100_000_000, "until": "2026-05-31T22:00:00+00:00"}
    text = word_message("credited", content, base_url=BASE_URL).text
    assert text == "100 MB gutgeschrieben, nutzbar bis zum 31. Mai 2026."


def test_a_long_answer_is_cut_in_a_short_message_only() -> None:
    worded = word_message("case_answered_in_full", CONTENT | {"answer": "ja " * 2_000}, base_url=BASE_URL)
    assert len(worded.text_with_link) == MAX_SHORT_CHARACTERS
    assert worded.letter.count("ja") > 1_999


@given(st.text(max_size=30))
def test_a_value_cannot_lead_a_link_out_of_the_house_nor_be_filled_again(number: str) -> None:
    worded = word_message("case_answered", {"number": "{number}" + number}, base_url=BASE_URL)
    assert worded.link is not None
    assert worded.link.startswith(f"{BASE_URL}/cases/")
    assert re.fullmatch(r"[\w%.~-]+", worded.link.removeprefix(f"{BASE_URL}/cases/"), re.ASCII)


@pytest.mark.parametrize(
    ("to", "channel"),
    [
        (None, Channel.INBOX),
        ("+4915112345678", Channel.SMS),
        ("4915112345678", Channel.SMS),
        ("erika.muster+x@mail.example.org", Channel.EMAIL),
    ],
)
def test_the_address_tells_the_channel(to: str | None, channel: Channel) -> None:
    assert channel_of(to) is channel


@pytest.mark.parametrize(
    "to", ["", "sofa", "12", "+49 151", "a@b", "a@b.de\nBcc: x@y.de", "a@b.de, c@d.de", "a@-b.de", "+1" * 9]
)
def test_what_is_no_address_is_refused(to: str) -> None:
    with pytest.raises(UnusableAddressError):
        channel_of(to)
