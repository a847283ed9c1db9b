"""What tests of the API share."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from selbsthelfer.api import limits
from selbsthelfer.identity.calls import forget_purses
from selbsthelfer.identity.known_keys import forget_known
from tests.api import trial


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """Forget what a process keeps in mind of clients: tests take back what stands in the database."""
    forget_known()
    forget_purses()
    limits.forget_refused()


@pytest.fixture
def trial_routes(settings: Settings) -> None:
    """Answer by the routes of `trial` instead of the real ones."""
    settings.MIDDLEWARE = trial.MIDDLEWARE
