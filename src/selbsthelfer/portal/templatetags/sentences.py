"""A filter that keeps numbers together with what they count."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from selbsthelfer.programmes.core.wording import MONTHS

register = template.Library()

_MONTH_NAMES = "|".join(sorted({name for month in MONTHS for name in (month.de, month.en)}))
_TOGETHER = re.compile(rf"\d[\d.,]* [kMG]?B\b|\d{{1,2}}\.? (?:{_MONTH_NAMES})\b")


@register.filter
def unbroken(text: str) -> SafeString:
    """Escape a text and let no line end between a number and its unit, or between a day and its month."""
    escaped = conditional_escape(text)
    return mark_safe(_TOGETHER.sub(r'<span class="whole">\g<0></span>', escaped))  # noqa: S308 - escaped above
