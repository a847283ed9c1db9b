"""The addresses of stylesheets, scripts and icons."""

from __future__ import annotations

from django import template

from selbsthelfer.portal.assets import asset_url as find_url

register = template.Library()


@register.simple_tag
def asset_url(name: str) -> str:
    """Tell where a file of ours is served."""
    return find_url(name)
