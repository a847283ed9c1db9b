"""What every test stands on: a PostgreSQL server, the tables, and the reference tables that facts meet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import hypothesis
import pytest
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

from selbsthelfer.activities.operations import copy_catalogue
from selbsthelfer.contacts.operations import copy_exempt_topics
from selbsthelfer.kit.embedded import scratch_server
from selbsthelfer.kit.sql import open_cursor
from selbsthelfer.project.database import database_settings
from tests.effort import EFFORT

hypothesis.settings.register_profile(
    "selbsthelfer", deadline=None, derandomize=EFFORT == 1, database=None, print_blob=True
)
hypothesis.settings.load_profile("selbsthelfer")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Use the server that `DATABASE_URL` names, else one of our own that ends with the tests.

    Settings were read long before; nothing has connected yet, so the connection learns its address here.
    """
    with ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            url = stack.enter_context(scratch_server())
            connections.settings["default"].update(database_settings({"DATABASE_URL": url}))
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the tables, and fill the reference tables once for all tests that take their changes back."""
    with django_db_blocker.unblock():
        fill_reference_tables()


@pytest.fixture(autouse=True)
def _reference_tables_after_flush(request: pytest.FixtureRequest) -> None:
    """Fill the reference tables again where the test before has emptied all tables."""
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction")):
        request.getfixturevalue("transactional_db")
        fill_reference_tables()


def fill_reference_tables() -> None:
    with transaction.atomic():
        copy_catalogue(open_cursor())
        copy_exempt_topics(open_cursor())
