"""Every page that there is, listed by the URL resolver, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from django.urls import URLPattern, URLResolver, get_resolver

from selbsthelfer.conversations.core.cases import CaseKind
from selbsthelfer.conversations.operations import dispute, open_case, reinstate
from selbsthelfer.kit.wording import Language
from selbsthelfer.programmes.core.definition import load_preset
from selbsthelfer.selfservice.core.orders import BlockThirdParties, ChangeAddress, SetVoicemail
from selbsthelfer.selfservice.core.records import Address
from selbsthelfer.selfservice.embedded.models import EmbeddedBill
from selbsthelfer.selfservice.embedded.operations import begin_outage, end_outage, write_bills
from selbsthelfer.selfservice.operations import carry_out
from selbsthelfer.portal.articles.helping import ARTICLES
from selbsthelfer.portal.pages.tasks import FORMS
from tests.browser.lines import PROGRAMME, Told, month, new_line
from tests.portal.life import SOURCE
from tests.selfservice.world import new_key

NO_PAGES: Final = frozenset(
    {
        "asset",
        "manifest",
        "service_worker",
        "receipt_pdf",
        "bill_pdf",
        "export_file",
        "sign_in_code_again",
        "end_session",
        "end_sessions",
        "openid_connect_login",
        "openid_connect_callback",
        "socialaccount_login_cancelled",
        "mfa_login_webauthn",
        "mfa_remove_webauthn",
    }
)
"""Addresses that answer with a file, or only to a form, or only with an operator's sign-in."""
BEFORE_SIGN_IN: Final = frozenset({"account_login", "sign_in", "sign_in_password", "mfa_authenticate"})
"""Pages that lead on whoever is signed in."""
