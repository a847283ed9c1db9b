"""Column types that every room shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    Identifier = models.TextField
else:

    class Identifier(models.TextField):
        """Text that identifies; collated by byte value, so that its order is the same on every server."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["db_collation"] = "C"
            super().__init__(*args, **kwargs)

        def deconstruct(self) -> Any:
            name, path, args, kwargs = super().deconstruct()
            del kwargs["db_collation"]
            return name, path, args, kwargs
