"""The reference tables that every fact is held against."""

from __future__ import annotations

import pytest
from django.db import transaction

from selbsthelfer.activities.operations import copy_catalogue
from selbsthelfer.contacts.operations import copy_exempt_topics
from selbsthelfer.kit.sql import open_cursor


@pytest.fixture(autouse=True)
def _reference_tables(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        with transaction.atomic():
            copy_catalogue(open_cursor())
            copy_exempt_topics(open_cursor())
