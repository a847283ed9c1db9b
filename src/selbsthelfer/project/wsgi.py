"""The WSGI application that `selbsthelfer serve` runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from selbsthelfer.api.shortcut import FactsFirst


def _make() -> FactsFirst:
    """Set Django up, and put the short way of facts before it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selbsthelfer.project.settings")
    # The same protocol, typed by its own names.
    django_application: Any = get_wsgi_application()
    # Not before Django is set up: these modules read its settings.
    from selbsthelfer.api.shortcut import FactsFirst

    return FactsFirst(django_application)


application: Final = _make()
