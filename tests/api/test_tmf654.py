"""TMF654: buckets, top-ups, adjustments, reservations and sums of a line, for partners with a key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from selbsthelfer.identity.core.scopes import Scope
from tests.api.callers import make_client
from tests.api.tmforum import BALANCE, Partner, check
from tests.portal.life import Life, ago

pytestmark = pytest.mark.django_db
MB, GB = 1_000_000, 1_000_000_000
ONE_GB = {"amount": 1, "units": "GB"}


@pytest.fixture
def partner(client: Client) -> Partner:
    line = life("line-1", msisdn="+491761234567")
    line.add("usage.recorded", ago(0.01), {"bytes": 200 * MB})
    line.send()
    life("line-2").send()
    return Partner(client, BALANCE, make_client(Scope.BALANCE_READ, Scope.BALANCE_WRITE))


def life(subject: str, **registration: Any) -> Life:
    """Live a line whose billing period neither begins nor ends today."""
    return Life(subject, billing_day=(datetime.now(UTC).day + 10) % 28 + 1, **registration)


def top_up(**members: Any) -> dict[str, Any]:
    return {
        "amount": ONE_GB,
        "usageType": "data",
        "bucket": {"id": "x"},
        "partyAccount": {"id": "line-1"},
        **members,
    }


def buckets(partner: Partner, line: str = "line-1") -> dict[str, Any]:
    found = partner.get(f"bucket?partyAccount.id={line}&status=active")
    return {bucket["name"]: bucket for bucket in found}


def facts(line: str = "") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM intake_key")
        return int(cursor.fetchone()[0])  # type: ignore[index]


def test_a_lines_bucket_is_shown_as_the_swagger_file_wants_it(partner: Partner) -> None:
    [bucket] = buckets(partner).values()
    check(BALANCE, "Bucket", bucket)
    assert bucket["remainingValue"] == {"amount": 4_800 * MB, "units": "octets"}
    assert bucket["reservedValue"] == {"amount": 0, "units": "octets"}
    assert (bucket["name"], bucket["usageType"], bucket["status"]) == ("included", "data", "active")
    assert bucket["partyAccount"] == {"id": "line-1"}
    assert partner.get(f"bucket/{bucket['id']}") == bucket
    assert bucket["href"] == f"http://testserver{BALANCE}bucket/{bucket['id']}"


def test_a_line_is_named_by_account_number_or_bucket(partner: Partner) -> None:
    [bucket] = buckets(partner).values()
    for query in (
        "logicalResource.id=%2B491761234567",
        "logicalResource.id=01761234567",
        f"id={bucket['id']}",
    ):
        assert partner.get(f"bucket?{query}") == [bucket]
    assert partner.get(f"bucket?href={bucket['href']}") == [bucket]
    assert partner.get("bucket?partyAccount.id=nobody") == []
    partner.refused("GET", "bucket", None, 400, "line_needed")
    partner.refused("GET", "bucket?status=active", None, 400, "line_needed")


def test_ended_buckets_are_expired_and_a_suspended_line_rests(client: Client, partner: Partner) -> None:
    old = life("line-3")
    old.add("usage.recorded", ago(60), {"bytes": 5})
    old.add("subscriber.changed", ago(1), {"suspended": True})
    old.send()
    found = partner.get("bucket?partyAccount.id=line-3")
    assert [bucket["status"] for bucket in found] == ["suspended", "expired"]
    assert partner.get("accumulatedBalance?partyAccount.id=line-3")[0]["totalBalance"]["amount"] == 0
    for bucket in found:
        assert partner.get(f"bucket/{bucket['id']}") == bucket


def test_a_top_up_gives_volume_once_under_its_own_id(partner: Partner) -> None:
    before = facts()
    given = partner.post("topupBalance", top_up(id="mine-1", reason="Herr Meyer ist krank"))
    check(BALANCE, "TopupBalance", given)
    assert (given["id"], given["status"], given["amount"]) == ("mine-1", "completed", ONE_GB)
    assert "Meyer" not in str(given)
    made = buckets(partner)["courtesy"]
    assert (made["id"], made["href"]) == (given["bucket"]["id"], given["bucket"]["href"])
    assert made["remainingValue"]["amount"] == GB
    assert given["validFor"] == made["validFor"]
    again = partner.answer("POST", "topupBalance", top_up(id="mine-1", reason="another word for it"))
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert partner.get("topupBalance/mine-1") == given
    assert again.headers["Location"] == given["href"]
    assert facts() == before + 1
    assert buckets(partner)["courtesy"] == made


def test_a_key_makes_a_top_up_one_and_another_request_under_it_is_refused(partner: Partner) -> None:
    first = partner.post("topupBalance", top_up(), idempotency_key="k-1")
    assert partner.post("topupBalance", top_up(), idempotency_key="k-1")["id"] == first["id"]
    other = top_up(amount={"amount": 2, "units": "GB"})
    partner.refused("POST", "topupBalance", other, 409, "id_taken", idempotency_key="k-1")
    assert partner.post("topupBalance", top_up())["id"] != first["id"]
    assert len(partner.get("topupBalance")) == 2


def test_ids_of_one_partner_are_not_another_partners(client: Client, partner: Partner) -> None:
    partner.post("topupBalance", top_up(id="mine-1"))
    other = Partner(client, BALANCE, make_client(Scope.BALANCE_WRITE))
    other.refused("POST", "topupBalance", top_up(id="mine-1"), 409, "id_taken")


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"amount": None}, 400, "amount_missing"),
        ({"amount": {"amount": 1}}, 400, "units_unknown"),
        ({"amount": {"amount": 1, "units": "EUR"}}, 400, "units_unknown"),
        ({"amount": {"amount": 1, "units": "Gb"}}, 400, "units_unknown"),
        ({"amount": {"amount": "viel", "units": "GB"}}, 400, "amount_invalid"),
        ({"amount": {"amount": 0.5, "units": "octets"}}, 400, "amount_invalid"),
        ({"amount": {"amount": True, "units": "octets"}}, 400, "amount_invalid"),
        ({"amount": {"amount": 10**18, "units": "octets"}}, 400, "amount_invalid"),
        ({"amount": {"amount": "1e99", "units": "octets"}}, 400, "amount_invalid"),
        ({"amount": {"amount": 0, "units": "GB"}}, 400, "amount_invalid"),
        ({"amount": {"amount": 51, "units": "GB"}}, 400, "courtesy_too_large"),
        ({"amount": {"amount": -1, "units": "GB"}}, 400, "would_take_back"),
        ({"usageType": "voice"}, 400, "usage_type_unsupported"),
        ({"isAutoTopup": True}, 400, "recurring_unsupported"),
        ({"voucher": "4711"}, 400, "voucher_unsupported"),
        ({"partyAccount": {"id": "nobody"}}, 400, "line_unknown"),
        ({"partyAccount": None}, 400, "line_needed"),
        ({"partyAccount": None, "logicalResource": [{"id": "+491769999999"}]}, 400, "line_unknown"),
        ({"validFor": {"endDateTime": "9999-12-31T00:00:00Z"}}, 400, "validity_too_long"),
        ({"validFor": {"endDateTime": "morgen"}}, 400, "validity_invalid"),
        ({"id": "a/b"}, 400, "id_invalid"),
        ({"id": 5}, 400, "id_invalid"),
        ({"id": "x" * 151}, 400, "id_invalid"),
    ],
)
def test_what_cannot_be_given_is_refused_and_changes_nothing(
    partner: Partner, members: dict[str, Any], status: int, code: str
) -> None:
    before, had = facts(), buckets(partner)
    partner.refused("POST", "topupBalance", top_up(**members), status, code)
    assert (facts(), buckets(partner), partner.get("topupBalance")) == (before, had, [])


def test_a_shorter_validity_is_given_longer_and_an_ended_line_gets_nothing(partner: Partner) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    given = partner.post("topupBalance", top_up(validFor={"endDateTime": soon}))
    assert given["validFor"]["endDateTime"] >= soon
    over = life("line-9")
    over.add("subscriber.ended", ago(1), {})
    over.send()
    partner.refused("POST", "topupBalance", top_up(partyAccount={"id": "line-9"}), 409, "line_ended")


def test_the_line_of_a_top_up_may_be_named_by_number_or_by_a_known_bucket(partner: Partner) -> None:
    number = {"amount": ONE_GB, "logicalResource": [{"id": "0176 1234567"}]}
    assert partner.post("topupBalance", number)["partyAccount"] == {"id": "line-1"}
    bucket = {"id": buckets(partner)["included"]["id"]}
    assert partner.post("topupBalance", {"amount": ONE_GB, "bucket": bucket})["partyAccount"] == {
        "id": "line-1"
    }
    other = top_up(bucket=bucket, partyAccount={"id": "line-2"})
    partner.refused("POST", "topupBalance", other, 400, "bucket_of_other_line")


def test_an_adjustment_upwards_gives_and_one_downwards_is_refused(partner: Partner) -> None:
    given = partner.post("adjustBalance", top_up(adjustType="oneTime"))
    check(BALANCE, "AdjustBalance", given)
    assert buckets(partner)["courtesy"]["remainingValue"]["amount"] == GB
    minus = top_up(amount={"amount": -1, "units": "octets"})
    partner.refused("POST", "adjustBalance", minus, 400, "would_take_back")
    partner.refused("POST", "adjustBalance", top_up(adjustType="recurring"), 400, "recurring_unsupported")
    assert partner.get(f"adjustBalance/{given['id']}") == given
    for kind in ("topupBalance", "adjustBalance"):
        partner.refused("DELETE", f"{kind}/{given['id']}", None, 405, "not_offered")
        partner.refused("PATCH", f"{kind}/{given['id']}", {"status": "cancelled"}, 405, "not_offered")
    partner.refused("POST", "bucket", {"usageType": "data"}, 405, "not_offered")


def test_a_reservation_holds_volume_until_it_is_cancelled(partner: Partner) -> None:
    bucket = buckets(partner)["included"]
    wanted = {"amount": {"amount": 4, "units": "GB"}, "bucket": {"id": bucket["id"]}}
    held = partner.post("reserveBalance", {**wanted, "id": "r-1", "requestor": {"name": "jerry wilson"}})
    check(BALANCE, "ReserveBalance", held)
    assert "jerry" not in str(held)
    now = buckets(partner)["included"]
    assert (now["remainingValue"]["amount"], now["reservedValue"]["amount"]) == (800 * MB, 4 * GB)
    total = partner.get("accumulatedBalance?partyAccount.id=line-1")[0]["totalBalance"]
    assert total == {"amount": 800 * MB, "units": "octets"}
    partner.refused("POST", "reserveBalance", wanted, 409, "not_enough_volume")
    assert partner.post("reserveBalance", {**wanted, "id": "r-1"})["id"] == "r-1"
    for _ in range(2):
        assert partner.patch("reserveBalance/r-1", {"status": "cancelled"})["status"] == "cancelled"
    assert buckets(partner)["included"] == bucket
    partner.post("reserveBalance", {**wanted, "id": "r-2"})
    partner.send("DELETE", "reserveBalance/r-2", None, 204)
    assert buckets(partner)["included"] == bucket
    assert partner.get("reserveBalance/r-2")["status"] == "cancelled"
    partner.refused("PATCH", "reserveBalance/r-1", {"status": "completed"}, 400, "status_unsupported")
    partner.refused("DELETE", "reserveBalance/none", None, 404, "not_found")


def test_usage_goes_on_whatever_is_reserved(partner: Partner) -> None:
    bucket = buckets(partner)["included"]
    partner.post("reserveBalance", {"amount": {"amount": 4, "units": "GB"}, "bucket": {"id": bucket["id"]}})
    later = life("line-1")
    later.facts.clear()
    later.numbers = count(50)
    later.add("usage.recorded", ago(0.001), {"bytes": 3 * GB})
    later.send()
    now = buckets(partner)["included"]
    assert (now["remainingValue"]["amount"], now["reservedValue"]["amount"]) == (0, 1_800 * MB)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"bucket": None, "partyAccount": {"id": "line-1"}}, "bucket_needed"),
        ({"bucket": {"id": "11"}, "partyAccount": {"id": "line-1"}}, "bucket_unknown"),
        ({"bucket": {"id": "11"}}, "line_needed"),
        ({"amount": {"amount": -5, "units": "GB"}}, "amount_invalid"),
        ({"validFor": {"endDateTime": "2020-01-01T00:00:00Z"}}, "validity_invalid"),
        ({"partyAccount": {"id": "line-2"}}, "bucket_of_other_line"),
    ],
)
def test_what_cannot_be_reserved_is_refused(partner: Partner, members: dict[str, Any], code: str) -> None:
    bucket = buckets(partner)["included"]
    body = {"amount": {"amount": 1, "units": "MB"}, "bucket": {"id": bucket["id"]}, **members}
    partner.refused("POST", "reserveBalance", body, 400, code)
    assert (buckets(partner)["included"], partner.get("reserveBalance")) == (bucket, [])


def test_the_sum_of_a_line_is_found_by_line_and_by_id(partner: Partner) -> None:
    partner.post("topupBalance", top_up())
    [total] = partner.get("accumulatedBalance?partyAccount.id=line-1")
    check(BALANCE, "AccumulatedBalance", total)
    assert total["totalBalance"] == {"amount": 5_800 * MB, "units": "octets"}
    assert {bucket["name"] for bucket in total["bucket"]} == {"included", "courtesy"}
    assert partner.get(f"accumulatedBalance/{total['id']}") == total
    assert partner.get(f"accumulatedBalance?id={total['id']}") == [total]
    partner.refused("GET", "accumulatedBalance", None, 400, "line_needed")
    life("line-7", included_bytes=None).send()
    [unlimited] = partner.get("accumulatedBalance?partyAccount.id=line-7")
    # The Swagger file wants a bucket; what is unlimited has none.
    assert (unlimited["name"], unlimited["totalBalance"]) == ("unlimited", {"units": "octets"})
    assert unlimited["bucket"] == []


def test_lists_come_in_parts_filtered_and_cut_to_fields(partner: Partner) -> None:
    for number in range(5):
        partner.post("topupBalance", top_up(id=f"t-{number}", amount={"amount": number + 1, "units": "MB"}))
    partner.post("topupBalance", top_up(id="other", partyAccount={"id": "line-2"}))
    part = partner.answer("GET", "topupBalance?limit=2&offset=1")
    assert (part.status_code, part.headers["X-Total-Count"], part.headers["X-Result-Count"]) == (
        206,
        "6",
        "2",
    )
    whole = partner.answer("GET", "topupBalance")
    assert (whole.status_code, whole.headers["X-Total-Count"]) == (200, "6")
    everything = [one["id"] for one in partner.get("topupBalance")]
    assert [one["id"] for one in partner.get("topupBalance?limit=2&offset=1", 206)] == everything[1:3]

    def ids(query: str) -> set[str]:
        return {one["id"] for one in partner.get(f"topupBalance?{query}")}

    assert ids("partyAccount.id=line-2") == {"other"}
    assert ids("id=t-1,t-2") == {"t-1", "t-2"}
    assert ids("amount.amount=2&status=completed") == {"t-1"}
    assert ids("status=failed") == set()
    assert ids("partyAccount.id=line-1&amount.units=MB&limit=500") == {f"t-{n}" for n in range(5)}
    assert set(partner.get("topupBalance?fields=status")[0]) == {"id", "href", "status"}
    assert partner.get("topupBalance/t-1?fields=amount.units")["amount"] == {"units": "MB"}
    assert set(partner.get("topupBalance/t-1?fields=none")) == {"id", "href"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("colour=red", "attribute_unknown"),
        ("limit=-1", "query_invalid"),
        ("limit=0", "query_invalid"),
        ("offset=x", "query_invalid"),
        ("offset=99999999999", "query_invalid"),
        ("status=" + "x" * 2_001, "query_too_long"),
        ("status=" + ",".join(str(n) for n in range(51)), "query_too_long"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(partner: Partner, query: str, code: str) -> None:
    partner.refused("GET", f"topupBalance?{query}", None, 400, code)


def test_what_is_not_there_is_not_found(partner: Partner) -> None:
    for path in (
        "bucket/x",
        "bucket/" + "0" * 64,
        "topupBalance/x",
        "topupBalance/%00",
        "accumulatedBalance/x",
        "accumulatedBalance/" + "0" * 32,
        "transferBalance",
        "",
        "hub/x/y",
    ):
        partner.refused("GET", path, None, 404, "not_found")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b"5", b'{"amount": "\\u0000"}', b"[" * 5_000, b"\xff"]
)
def test_a_body_that_is_no_document_is_refused(partner: Partner, body: bytes) -> None:
    for path in ("topupBalance", "reserveBalance"):
        assert partner.send("POST", path, body, 400)["@type"] == "Error"


def test_nobody_gets_in_without_the_right_key(client: Client, partner: Partner) -> None:
    nobody = Partner(client, BALANCE)
    reader = Partner(client, BALANCE, make_client(Scope.BALANCE_READ))
    stranger = Partner(client, BALANCE, make_client(Scope.LINES_READ, Scope.INTERACTION_WRITE))
    given = partner.post("topupBalance", top_up())
    for method, path, body in (
        ("GET", "bucket?partyAccount.id=line-1", None),
        ("GET", f"topupBalance/{given['id']}", None),
        ("POST", "topupBalance", top_up()),
        ("PATCH", f"reserveBalance/{given['id']}", {}),
        ("PUT", "topupBalance", {}),
        ("GET", "nothing", None),
    ):
        assert nobody.answer(method, path, body).headers["WWW-Authenticate"]
        nobody.refused(method, path, body, 401, "key_invalid")
        stranger.refused(method, path, body, 403, "scope_missing")
    reader.refused("POST", "topupBalance", top_up(), 403, "scope_missing")
    reader.refused("PUT", "topupBalance", None, 405, "method_not_allowed")
    assert reader.get(f"topupBalance/{given['id']}") == given


def test_an_answer_has_what_every_answer_of_the_api_has_and_touches_no_cookie(partner: Partner) -> None:
    partner.client.cookies["session"] = "whatever"
    for path, status in (("bucket?partyAccount.id=line-1", 200), ("bucket/none", 404), ("nothing", 404)):
        answer = partner.answer("GET", path, x_request_id="mine-7")
        assert answer.status_code == status
        assert answer.headers["X-Request-Id"] == "mine-7"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not {"Set-Cookie", "Content-Language"} & set(answer.headers)
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_what_no_resource_is_asked_for_is_refused_in_the_words_of_tmf(partner: Partner) -> None:
    many = "&".join(f"a{number}=1" for number in range(1_001))
    partner.refused("GET", f"bucket?{many}", None, 400, "request_malformed")
    partner.refused("POST", "topupBalance", b"{", 400, "length_invalid", content_length="many")
    partner.refused("GET", "bucket", None, 400, "host_unknown", host="elsewhere.example")
    Partner(partner.client, "/tmf-api/", partner.key).refused(
        "GET", "nothing/v4/x", None, 404, "path_unknown"
    )
