"""The API as one object: every area of it, in the order in which the reference tells them."""

from __future__ import annotations

from typing import Final

from selbsthelfer.api.making import make_api
from selbsthelfer.api.routes import contacts, courtesies, facts, lines, programmes, rewards, tokens, webhooks

api: Final = make_api("api")
api.add_router("", facts.router)
api.add_router("", tokens.router)
api.add_router("", lines.router)
api.add_router("", rewards.router)
api.add_router("", contacts.router)
api.add_router("", programmes.router)
api.add_router("", courtesies.router)
api.add_router("", webhooks.router)
