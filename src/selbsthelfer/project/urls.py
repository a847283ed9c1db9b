"""Every address that the project answers."""

from __future__ import annotations

urlpatterns: list[object] = []
