"""What tests of pages share: words that are missing show, and every statement is counted."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.template import engines
from django.template.backends.django import DjangoTemplates


@pytest.fixture
def no_word_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a template does not find becomes a mark that no page may show."""
    backend = engines["django"]
    assert isinstance(backend, DjangoTemplates)
    monkeypatch.setattr(backend.engine, "string_if_invalid", "MISSING(%s)")


@pytest.fixture
def fresh_cache(db: None) -> None:
    """Forget how often something was tried."""
    cache.clear()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that reaches the server, whichever cursor sends it; not the test's own savepoints."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if "SAVEPOINT" not in text:
            sent.append(text)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    return sent
