"""The database itself refuses what would break the ledger."""

from __future__ import annotations

import psycopg
import pytest
from django.db import transaction

from selbsthelfer.kit.sql import open_cursor
from tests.allowances.world import Line, on

pytestmark = pytest.mark.django_db

_APPEND = """
INSERT INTO allowances_entry
    (subscriber_id, bucket_id, ordinal, amount_bytes, balance_bytes, happened_at, received_at)
SELECT subscriber_id, bucket_id, %(ordinal)s, %(amount)s, %(balance)s, valid_from, valid_from
FROM allowances_bucket WHERE subscriber_id = %(line)s
"""


@pytest.mark.parametrize(
    ("ordinal", "amount", "balance"),
    [
        pytest.param(3, -90, -10, id="below nothing"),
        pytest.param(2, -10, 70, id="a second successor"),
        pytest.param(3, -10, 75, id="a balance that does not follow"),
        pytest.param(4, -10, 70, id="after an entry that is not there"),
        pytest.param(3, 10, 90, id="a second credit"),
        pytest.param(3, 0, 80, id="no movement"),
    ],
)
def test_an_entry_that_does_not_follow_is_refused(ordinal: int, amount: int, balance: int) -> None:
    line = Line(included_bytes=100)
    line.use(on(2, 2), 20)
    append = {"line": line.id, "ordinal": ordinal, "amount": amount, "balance": balance}
    with pytest.raises(psycopg.IntegrityError), transaction.atomic():
        open_cursor().execute(_APPEND, append)


def test_an_entry_that_follows_is_taken() -> None:
    line = Line(included_bytes=100)
    line.use(on(2, 2), 20)
    with transaction.atomic():
        open_cursor().execute(_APPEND, {"line": line.id, "ordinal": 3, "amount": -80, "balance": 0})
    assert line.balance(on(2, 20)) == 0
