"""Whatever is sent to TM Forum's APIs, the answer is one of theirs, and never a failure of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.api.callers import make_client
from tests.api.tmforum import BALANCE, INTERACTION, Partner
from tests.effort import tries
from tests.partners.test_core import DOCUMENTS, JSON
from tests.portal.life import Life

RESOURCES = (
    *("bucket", "topupBalance", "adjustBalance", "reserveBalance", "accumulatedBalance", "hub"),
    "partyInteraction",
)
LINES = (
    {"partyAccount": {"id": "line-1"}},
    {"bucket": {"id": "11"}},
    {"relatedParty": [{"id": "line-1", "role": "customer"}]},
    {},
)
ATTRIBUTES = (
    "id",
    "href",
    "status",
    "amount.amount",
    "partyAccount.id",
    "logicalResource.id",
    "relatedParty.id",
)
QUERIES = st.dictionaries(st.sampled_from([*ATTRIBUTES, "fields", "limit", "offset"]), st.text(max_size=6))
AMOUNTS = st.fixed_dictionaries(
    {"amount": st.integers(-5, 10**6) | JSON, "units": st.sampled_from(["MB", "octets", "x"])}
)
UNCERTAIN = (b'{"id": "\\ud800"}', b'{"partyAccount": {"id": "\\ud800"}}', b'{"amount": {"amount": 1e400}}')


class AnythingTest(TestCase):
    """One line, which partners ask about with a key, or in the sandbox without one."""

    @classmethod
    def setUpTestData(cls) -> None:
        Life("line-1").send()
        cls.key = make_client()

    @tries(100)
    @given(
        st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
        st.sampled_from(RESOURCES),
        st.none() | st.text(min_size=1, max_size=6),
        QUERIES,
        DOCUMENTS,
        st.sampled_from(LINES),
        AMOUNTS | JSON,
        st.booleans(),
    )
    def test_anything(
        self,
        method: str,
        resource: str,
        id_: str | None,
        query: dict[str, str],
        document: dict[str, Any],
        line: dict[str, Any],
        amount: Any,
        is_sandbox: bool,
    ) -> None:
        path = resource + ("" if id_ is None else f"/{quote(id_, safe='')}")
        body = {**document, **line, "amount": amount}
        self.ask(method, resource, f"{path}?{urlencode(query)}", json.dumps(body).encode(), is_sandbox)

    def test_what_json_can_say_and_no_text_can_hold(self) -> None:
        for body in UNCERTAIN:
            for resource in RESOURCES:
                for is_sandbox in (True, False):
                    self.ask("POST", resource, resource, body, is_sandbox)

    def ask(self, method: str, resource: str, path: str, body: bytes, is_sandbox: bool) -> None:
        base = INTERACTION if resource == "partyInteraction" else BALANCE
        partner = Partner(self.client, base, None if is_sandbox else self.key)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SELBSTHELFER_TMF_SANDBOX", "1")
            answer = partner.answer(method, path, body)
        assert answer.status_code < 500, (method, path, body, answer.content)
        if answer.status_code >= 400:
            assert {"code", "reason"} <= set(json.loads(answer.content))
