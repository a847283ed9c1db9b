"""How forms look and what their fields share."""

from __future__ import annotations

from django.forms.renderers import DjangoTemplates


class PageRenderer(DjangoTemplates):
    """Render each field with its label, its hint and its error, tied together for those who cannot see."""

    field_template_name = "portal/field.html"
