"""What a portal finds beside the facts: numbers, users, sessions, receipts, messages, cases and households.

All of it for every line, so that what reads a whole table shows. The lines that are measured get their
usage through intake and meet the operator's systems for the first time when they are measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from bench.world import NOW
from selbsthelfer.intake.operations import MAX_BATCH, Terms, accept

USED_DAYS = 20
"""Days of usage of a measured line, one record each."""

_FURNISH = """
INSERT INTO subscribers_number (msisdn, assigned_at, subscriber_id)
SELECT msisdn, registered_at, subscriber_id FROM subscribers_subscriber
ON CONFLICT DO NOTHING;

INSERT INTO identity_user (
    user_id, name, subscriber_id, subject, email, password, language, appearance, is_active, is_superuser,
    created_at
)
SELECT
    gen_random_uuid(), md5(subject), subscriber_id, subject, '', '!bench', 'de', 'system', true, false,
    %(now)s
FROM subscribers_subscriber
ON CONFLICT DO NOTHING;

INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5('a' || subject), repeat('x', 300), %(now)s::timestamptz + interval '400 days'
FROM subscribers_subscriber
ON CONFLICT DO NOTHING;

INSERT INTO usersessions_usersession (created_at, ip, last_seen_at, session_key, user_agent, data, user_id)
SELECT %(now)s, '192.0.2.1', %(now)s, md5('a' || subject), 'Firefox', '{}', user_id FROM identity_user
ON CONFLICT DO NOTHING;

INSERT INTO selfservice_task (
    subscriber_id, task_id, subject, activity, receipt, state, is_view, details, has_fact, started_at,
    finished_at, attempts
)
SELECT
    s.subscriber_id, gen_random_uuid(), s.subject, 'call.forward', n || '-' || s.subject,
    CASE WHEN n = 1 THEN 'failed' ELSE 'succeeded' END, false, '[]', true, at.at, at.at, 1
FROM subscribers_subscriber s
CROSS JOIN generate_series(1, 3) n
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - make_interval(days => n * 9) AS at) at
ON CONFLICT DO NOTHING;

INSERT INTO outbox_message (
    key, kind, subscriber_id, channel, address, content, is_secret, created_at, due_at, attempts, sent_at
)
SELECT
    'bench/' || subject, 'address_changed', subscriber_id, 'sms', msisdn, '{}', false, %(now)s, %(now)s, 1,
    %(now)s
FROM subscribers_subscriber
ON CONFLICT DO NOTHING;

INSERT INTO conversations_case (
    case_id, key, number, kind, state, subscriber_id, language, details, opened_at, promised_at
)
SELECT
    gen_random_uuid(), gen_random_uuid(), 'bench-' || subject, 'message', 'open', subscriber_id, 'de', '{}',
    %(now)s, %(now)s
FROM subscribers_subscriber
WHERE right(subject, 1) = '7'
ON CONFLICT DO NOTHING;

INSERT INTO allowances_usage (subscriber_id, happened_at, id, source, received_at, bytes, unmet_bytes)
SELECT subscriber_id, at.at, 'b' || n, '/bench', at.at, 1000000, 1000000
FROM subscribers_subscriber
CROSS JOIN generate_series(1, 2) n
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - make_interval(days => n * 25) AS at) at
ON CONFLICT DO NOTHING;

INSERT INTO identity_code (code_id, purpose, subscriber_id, address, digest, guesses, created_at)
SELECT gen_random_uuid(), 'sign_in', subscriber_id, '', 'x', 0, now()
FROM subscribers_subscriber WHERE right(subject, 1) = '3'
ON CONFLICT DO NOTHING;

INSERT INTO identity_tries (key, kept, ends_at)
SELECT md5(subject), '{1}', now() + interval '1 day' FROM subscribers_subscriber
ON CONFLICT DO NOTHING
"""
_HOUSEHOLDS = """
INSERT INTO selfservice_embeddedline (
    subscriber_id, name, customer_number, customer_code, street, house_number, postcode, city, addition, iban,
    account_holder, is_paperless, contract_number, began_on, tariffs, options, forwarding, voicemail_on,
    voicemail_seconds, voicemail_tells_by_text, barred_numbers, is_roaming_on, is_automatic_top_up_on,
    is_third_party_blocked, met_at
)
SELECT
    subscriber_id, 'Anna Beispiel', '1', '1', 'Lindenallee', '1', '10437', 'Berlin', '', 'DE00',
    'Anna Beispiel', false, 'MF-1', %(now)s, '[["musterfunk-m", null]]', '[]', '{}', true, 20, true, '{}',
    true, true, false, %(now)s
FROM subscribers_subscriber
WHERE subject <> ALL (%(measured)s)
ON CONFLICT DO NOTHING;

INSERT INTO selfservice_embeddedsim (iccid, subscriber_id, is_esim, state, since, ordinal, pin, puk, code)
SELECT
    'bench' || md5(subscriber_id::text), subscriber_id, false, 'active', %(now)s, 1, '0000', '00000000', 'x'
FROM selfservice_embeddedline
ON CONFLICT DO NOTHING
"""


def furnish(measured: Sequence[str]) -> None:
    """Fill what a portal finds, for lines that have facts already; repeating adds nothing."""
    parameters: dict[str, Any] = {"now": NOW, "measured": list(measured)}
    for statement in (*_FURNISH.split(";\n\n"), *_HOUSEHOLDS.split(";\n\n")):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute(statement, parameters)
    _use(measured)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _use(lines: Iterable[str]) -> None:
    """Have lines use volume on each of the last days, so that their buckets are half used."""
    facts = [_usage(line, day) for day in range(USED_DAYS, 0, -1) for line in lines]
    for start in range(0, len(facts), MAX_BATCH):
        accept(facts[start : start + MAX_BATCH], terms=Terms(now=NOW))


def _usage(line: str, day: int) -> bytes:
    at = (NOW - timedelta(days=day, minutes=7)).isoformat()
    return (
        f'{{"specversion":"1.0","id":"portal-{day}","source":"/usage","type":"usage.recorded",'
        f'"subject":"{line}","time":"{at}","data":{{"bytes":90000000}}}}'
    ).encode()
