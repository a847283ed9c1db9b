"""The shape of the tables, as the database itself tells it: fit to be spread over machines by line."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from selbsthelfer.kit.sql import open_cursor, statements
from selbsthelfer.programmes.queries import standings
from tests.programmes.outcomes import LONG_AGO

pytestmark = pytest.mark.django_db

ROOMS = ("subscribers", "activities", "contacts", "allowances", "charging", "programmes")
"""The rooms whose tables with a `subscriber_id` are subscriber tables."""
LOOK_UP = "subscribers_number"
"""Who has a number: an ordinary table, found by number."""

FREE_TEXT = {
    ("allowances_courtesy", "reason"),
    ("contacts_reclassification", "reason"),
    ("conversations_case", "name"),
    ("conversations_message", "text"),
    ("intake_reject", "body"),
    ("intake_reject", "reason"),
    ("outbox_endpoint", "description"),
    ("programmes_version", "definition"),
}
"""What is only read by people or as a whole; all other text identifies something, in one order everywhere."""

LIBRARIES = ("account", "auth", "django", "mfa", "socialaccount", "unique", "usersessions")
"""Whose tables and indexes are not ours to shape: those of Django and allauth."""

SUBSCRIBER_TABLES = """
SELECT c.oid::regclass::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'subscriber_id'
WHERE c.relkind = 'r' AND split_part(c.relname, '_', 1) = ANY (%s) AND c.relname <> %s
ORDER BY 1
"""

UNIQUE_INDEXES = """
SELECT
    i.indexrelid::regclass::text, i.indisprimary,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.place <= i.indnkeyatts
        ORDER BY k.place
    )
FROM pg_index i
WHERE i.indrelid = %s::regclass AND i.indisunique
"""

FOREIGN_KEYS = """
SELECT
    k.conname::text, k.confrelid::regclass::text,
    ARRAY(
        SELECT a.attname::text FROM unnest(k.conkey) AS c (attnum)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
    )
FROM pg_constraint k
WHERE k.conrelid = %s::regclass AND k.contype = 'f'
"""

TEXT_COLUMNS = """
SELECT c.relname::text, a.attname::text, l.collname::text
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'i')
JOIN pg_namespace n ON n.oid = c.relnamespace AND (n.nspname = 'public' OR n.oid = pg_my_temp_schema())
JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND split_part(c.relname, '_', 1) <> ALL (%s)
AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'varchar'::regtype, 'varchar[]'::regtype)
"""


def ask(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def subscriber_tables() -> list[str]:
    return [row[0] for row in ask(SUBSCRIBER_TABLES, list(ROOMS), LOOK_UP)]


def test_subscriber_tables_are_found() -> None:
    found = {table.partition("_")[0] for table in subscriber_tables()}
    assert found == set(ROOMS)


def test_the_line_leads_every_primary_key_and_stands_in_every_unique_key() -> None:
    wrong = []
    for table in subscriber_tables():
        keys = ask(UNIQUE_INDEXES, table)
        if not any(is_primary for _, is_primary, _ in keys):
            wrong.append(f"{table} has no primary key")
        for index, is_primary, columns in keys:
            if "subscriber_id" not in columns:
                wrong.append(f"{index} of {table} lacks subscriber_id: {columns}")
            elif is_primary and columns[0] != "subscriber_id":
                wrong.append(f"{index} of {table} is not led by subscriber_id: {columns}")
    assert not wrong


def test_subscriber_tables_refer_to_each_other_by_line() -> None:
    tables = set(subscriber_tables())
    wrong = [
        f"{name} of {table}"
        for table in tables
        for name, referred, columns in ask(FOREIGN_KEYS, table)
        if referred in tables and "subscriber_id" not in columns
    ]
    assert not wrong


def test_text_that_identifies_has_the_same_order_on_every_server() -> None:
    """In tables, in their indexes, and in the temporary tables that decisions are made in."""
    with transaction.atomic():
        open_cursor().execute(statements("selbsthelfer.intake")["prepare"], prepare=False)
        standings(open_cursor(), [], now=LONG_AGO)
    columns = ask(TEXT_COLUMNS, list(LIBRARIES))
    assert {"programmes_due", "intake_arrived", "intake_key"} <= {table for table, _, _ in columns}
    wrong = [
        f"{table}.{column} has the collation {collation}"
        for table, column, collation in columns
        if collation != "C" and (table, column) not in FREE_TEXT
    ]
    assert not wrong


def test_free_text_is_named_only_where_it_is() -> None:
    assert {(table, column) for table, column, _ in ask(TEXT_COLUMNS, list(LIBRARIES))} >= FREE_TEXT


def test_no_extension_is_needed() -> None:
    assert ask("SELECT extname::text FROM pg_extension") == [("plpgsql",)]
