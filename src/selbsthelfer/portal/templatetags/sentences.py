"""Texts in two languages inside templates, and a filter that keeps numbers together with what they count."""

from __future__ import annotations

import re

from django import template
from django.template import Context
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from selbsthelfer.kit.wording import MONTHS, Language

register = template.Library()

_MONTH_NAMES = "|".join(sorted({name for month in MONTHS for name in (month.de, month.en)}))
_TOGETHER = re.compile(rf"\d[\d.,]* [kMG]?B\b|\d{{1,2}}\.? (?:{_MONTH_NAMES})\b")


@register.filter
def unbroken(text: str) -> SafeString:
    """Escape a text and let no line end between a number and its unit, or between a day and its month."""
    escaped = conditional_escape(text)
    return mark_safe(_TOGETHER.sub(r'<span class="whole">\g<0></span>', escaped))  # noqa: S308 - escaped above


@register.simple_tag(takes_context=True)
def say(context: Context, german: str, english: str, **values: object) -> SafeString:
    """Write one of two texts that stand side by side in the template, with `{name}` filled in.

    The texts are our own and may hold markup; what is filled in is escaped.
    """
    text = german if context["language"] == Language.GERMAN else english
    return format_html(text, **values) if values else mark_safe(text)  # noqa: S308 - a literal of ours
