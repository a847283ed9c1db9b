"""Get ready to use the database: start the embedded server if none is named, and see to the tables."""

from __future__ import annotations

import os

import django
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from selbsthelfer.activities.operations import copy_catalogue
from selbsthelfer.contacts.operations import copy_exempt_topics
from selbsthelfer.kit import embedded
from selbsthelfer.kit.sql import open_cursor


class TablesOutOfDateError(RuntimeError):
    """The server named by DATABASE_URL lacks tables of this version; `selbsthelfer db migrate` adds them."""


def connect() -> None:
    """Make the database ready for a command.

    The embedded server is started and brought up to date by itself. A server named by `DATABASE_URL` belongs
    to the operator, so its tables are changed only by `selbsthelfer db migrate`: else `TablesOutOfDateError`.
    """
    url = os.environ.get("DATABASE_URL")
    if not url:
        embedded.ensure_running(embedded.home())
    set_up()
    if _is_up_to_date():
        return
    if url:
        raise TablesOutOfDateError("the tables are not those of this version: run `selbsthelfer db migrate`")
    migrate()


def set_up() -> None:
    """Load the settings and the rooms."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selbsthelfer.project.settings")
    django.setup()


def migrate() -> None:
    """Bring the tables, the catalogue and the exempt topics up to date; repeating is harmless."""
    call_command("migrate", verbosity=0, interactive=False)
    with transaction.atomic():
        cursor = open_cursor()
        copy_catalogue(cursor)
        copy_exempt_topics(cursor)


def _is_up_to_date() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
