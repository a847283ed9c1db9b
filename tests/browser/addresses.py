"""Every page that there is, listed by the URL resolver, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from selbsthelfer.conversations.core.cases import CaseKind
from selbsthelfer.conversations.operations import dispute, open_case, reinstate
from selbsthelfer.portal.articles.helping import ARTICLES
from selbsthelfer.portal.pages.tasks import FORMS
from selbsthelfer.selfservice.core.orders import BarNumber, ChangeAddress
from selbsthelfer.selfservice.core.records import Address
from selbsthelfer.selfservice.embedded.models import EmbeddedBill
from selbsthelfer.selfservice.embedded.operations import write_bills
from selbsthelfer.selfservice.operations import carry_out, report_failed
from tests.browser.lines import PROGRAMME, Told, month, new_line
from tests.portal.life import SOURCE
from tests.portal.security_world import routes
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
        "mfa_login_webauthn",
        "panel",
    }
)
"""Addresses that answer with a file, only to a form, or only to an operator's sign-in or signed link."""
ON_THE_WAY: Final = frozenset(
    {
        "sign_in_code",
        "mfa_authenticate",
        "email_code",
        "mfa_deactivate_totp",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "written",
        "declared",
    }
)
"""Pages that show only after another one; the walks that lead to them check them."""
BEFORE_SIGN_IN: Final = frozenset({"account_login", "sign_in", "sign_in_password", "forgotten_password"})
"""Pages for whoever is not signed in."""


def route_names() -> set[str]:
    """List the names of all routes of pages; the resolver is the only one who knows them all."""
    return {found.name or "" for _, found in routes()}


def full_life() -> tuple[Told, Mapping[str, list[str]]]:
    """Live a line through most things that a page can show; give it with its addresses, route by route."""
    told = new_line()
    told.life.enrolled(month(7), programme=PROGRAMME)
    for back in range(7, 0, -1):
        told.life.did(month(back, 10), "net.diagnose")
    told.life.called(month(3, 20), "fault")
    disputed, upheld, open_to_dispute = (
        told.life.called(month(back, 21), topic)
        for back, topic in ((6, "use.view"), (3, "bill.view"), (2, "use.view"))
    )
    told.life.add("usage.recorded", month(0), {"bytes": 1_200_000_000})
    told.send()
    now, line = datetime.now(UTC), told.line
    cases = [
        dispute(
            line=line.subscriber_id, contact_source=SOURCE, contact_id=id_, text="", key=new_key(), now=now
        ).number
        for id_ in (disputed, upheld)
    ]
    reinstate(number=cases[0], by="Alex", reason="Das war eine Störung.", now=now)
    written = open_case(
        kind=CaseKind.MESSAGE,
        text="Guten Tag!\n\nEine Frage.",
        key=new_key(),
        now=now,
        line=line.subscriber_id,
    )
    return told, {
        **_pages_of_tasks(told, now),
        **_pages_of_rewards(open_to_dispute),
        "case": [reverse("case", args=[number]) for number in (*cases, written.number)],
    }


def _pages_of_rewards(contact: str) -> dict[str, list[str]]:
    return {
        "programme": [reverse("programme", args=[PROGRAMME])],
        "join": [reverse("join", args=[PROGRAMME])],
        "leave": [reverse("leave", args=[PROGRAMME])],
        "dispute": [f"{reverse('dispute')}?{urlencode({'source': SOURCE, 'id': contact})}"],
    }


def _pages_of_tasks(told: Told, now: datetime) -> dict[str, list[str]]:
    line = told.line
    address = ChangeAddress(Address("Lindenallee", "12a", "50667", "Köln"))
    done = carry_out(line, address, key=new_key(), now=now)
    failed = report_failed(line, "call.forward", key="out/1", now=now)
    carry_out(line, BarNumber(number="+492214710123", barred=True), key=new_key(), now=now)
    write_bills(line, now=now)
    bill = EmbeddedBill.objects.filter(subscriber_id=line.subscriber_id).latest("issued_on").number
    return {
        "bill": [reverse("bill", args=[bill])],
        "bill_explain": [reverse("bill_explain", args=[bill])],
        "itemised": [reverse("itemised", args=[bill])],
        "object": [reverse("object"), reverse("object", args=[bill])],
        "article": [reverse("article", args=[article]) for article in list(ARTICLES)[:2]],
        "task": [reverse("task", args=[activity]) for activity in FORMS],
        "receipt": [reverse("receipt", args=[receipt]) for receipt in (done.receipt, failed.receipt)],
        "diagnose": [reverse("diagnose"), f"{reverse('diagnose')}?walk=data.none.works"],
        "network_status": [f"{reverse('network_status')}?postcode=50667"],
        "tasks": [reverse("tasks"), f"{reverse('tasks')}?q=xyzzy"],
    }


def addresses(pages: Mapping[str, list[str]], *, for_strangers: bool = False) -> list[str]:
    """Give the addresses of every route; raises `NoReverseMatch` for one that nobody has thought of."""
    names = route_names() - NO_PAGES - ON_THE_WAY
    names = BEFORE_SIGN_IN if for_strangers else names - BEFORE_SIGN_IN
    return sorted({address for name in names for address in pages.get(name) or [reverse(name)]})
