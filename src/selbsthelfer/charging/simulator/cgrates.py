"""CGRateS, played.

Its traps: an account that is not known is made up; the same ID is summed, with the old end kept; a negative
value becomes positive; a balance has no start; the reply is only OK; errors come with the status 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from selbsthelfer.charging.simulator.ledger import FAR, Effect, Ledger, SimulatedBucket
from selbsthelfer.charging.simulator.profiles import Visit, is_text, now, read_instant
from selbsthelfer.charging.simulator.wire import JSON, Reply, Request, as_json

DATA: Final = "*data"
ZERO_TIME: Final = "0001-01-01T00:00:00Z"
DEFAULT_TENANT: Final = "cgrates.org"
ADD: Final = "APIerSv1.AddBalance"


class Cgrates:
    """The part of CGRateS that knows accounts and their data balances."""

    name = "cgrates"
    keeps_used_up = True

    def visit(self, request: Request) -> Visit:
        method, params, _ = _call(request)
        balance = params.get("Balance")
        key = balance.get("ID") if isinstance(balance, dict) else None
        return Visit(str(key or f"{method}:{params.get('Account')}"), method == ADD)

    def error(self, request: Request) -> Reply:
        return _failed(_call(request)[2], "SERVER_ERROR: INTERNAL_ERROR")

    def account_of(self, recipient: str) -> str:
        return recipient if ":" in recipient else f"{DEFAULT_TENANT}:{recipient}"

    def burning_order(self, bucket: SimulatedBucket) -> tuple[float, datetime, str]:
        return -bucket.weight, bucket.valid_until or FAR, bucket.place

    def answer(self, request: Request, ledger: Ledger) -> Reply:
        if (request.method, request.path) != ("POST", ("jsonrpc",)):
            return Reply(404, b"404 page not found\n", {"content-type": "text/plain"})
        method, params, id_ = _call(request)
        match method:
            case "APIerSv1.AddBalance":
                return _add(params, id_, ledger)
            case "APIerSv2.GetAccount":
                return _account(params, id_, ledger)
            case "APIerSv1.RemoveBalances":
                return _remove(params, id_, ledger)
            case "SessionSv1.AlterSessions":
                return _failed(id_, "NOT_FOUND")
        return _failed(id_, f"rpc: can't find service {method}")


def _add(params: Mapping[str, Any], id_: object, ledger: Ledger) -> Reply:
    missing = [name for name in ("Account", "BalanceType", "Value") if not params.get(name)]
    if missing:
        return _failed(id_, f"MANDATORY_IE_MISSING: [{' '.join(missing)}]")
    value, balance = params["Value"], params.get("Balance") or {}
    if not isinstance(value, int | float) or not is_text(params["Account"]) or not isinstance(balance, dict):
        return _failed(id_, "json: cannot unmarshal")
    end, id_of_balance = read_instant(balance.get("ExpiryTime")), balance.get("ID")
    if "ExpiryTime" in balance and end is None:
        return _failed(id_, "Unsupported time format")
    account, volume = _account_id(params), int(abs(value))
    with ledger.lock:
        there = None if not id_of_balance else _living(ledger, account, str(id_of_balance))
        effect = Effect(
            do="credit",
            account=account,
            place=str(ledger.next_id()) if there is None else there.place,
            key=str(id_of_balance or ""),
            bytes=volume,
            valid_until=end,
            weight=float(balance.get("Weight") or 0),
            is_ghost=not ledger.is_known(account),
        )
        ledger.record(effect)
    return _done(id_, "OK")


def _account(params: Mapping[str, Any], id_: object, ledger: Ledger) -> Reply:
    account = _account_id(params)
    with ledger.lock:
        if not ledger.is_known(account):
            return _failed(id_, "NOT_FOUND")
        balances = [_shape(bucket) for bucket in ledger.buckets(account) if not _is_over(bucket)]
    result = {
        "ID": account,
        "BalanceMap": {DATA: balances} if balances else None,
        "UnitCounters": None,
        "ActionTriggers": None,
        "AllowNegative": False,
        "Disabled": False,
        "UpdateTime": ZERO_TIME,
    }
    return _done(id_, result)


def _remove(params: Mapping[str, Any], id_: object, ledger: Ledger) -> Reply:
    account, balance = _account_id(params), params.get("Balance") or {}
    with ledger.lock:
        if not ledger.is_known(account):
            return _failed(id_, "NOT_FOUND")
        uuid, name = balance.get("UUID"), balance.get("ID")
        matching = [
            bucket
            for bucket in ledger.buckets(account)
            if (bucket.place == uuid if uuid else not name or bucket.key == name)
        ]
        for bucket in matching:
            ledger.record(Effect(do="remove", account=account, place=bucket.place))
    return _done(id_, "OK") if matching else _failed(id_, "PARTIALLY_EXECUTED")


def _living(ledger: Ledger, account: str, id_of_balance: str) -> SimulatedBucket | None:
    """Find the balance into which another of the same ID is summed; one that is over is passed over."""
    found = (bucket for bucket in ledger.buckets(account) if bucket.key == id_of_balance)
    return next((bucket for bucket in found if not _is_over(bucket)), None)


def _is_over(bucket: SimulatedBucket) -> bool:
    return bucket.valid_until is not None and bucket.valid_until < now()


def _shape(bucket: SimulatedBucket) -> dict[str, Any]:
    end = bucket.valid_until
    return {
        "Uuid": bucket.place,
        "ID": bucket.key,
        "Value": bucket.remaining_bytes,
        "ExpirationDate": ZERO_TIME
        if end is None
        else end.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "Weight": bucket.weight,
        "DestinationIDs": {},
        "RatingSubject": "",
        "Categories": {},
        "SharedGroups": {},
        "Timings": None,
        "TimingIDs": {},
        "Disabled": False,
        "Factors": None,
        "Blocker": False,
    }


def _call(request: Request) -> tuple[str, Mapping[str, Any], object]:
    body = request.json if isinstance(request.json, dict) else {}
    params = body.get("params")
    first = params[0] if isinstance(params, list) and params and isinstance(params[0], dict) else {}
    return str(body.get("method", "")), first, body.get("id")


def _account_id(params: Mapping[str, Any]) -> str:
    return f"{params.get('Tenant') or DEFAULT_TENANT}:{params.get('Account')}"


def _done(id_: object, result: object) -> Reply:
    return Reply(200, as_json({"id": id_, "result": result, "error": None}), JSON)


def _failed(id_: object, error: str) -> Reply:
    return Reply(200, as_json({"id": id_, "result": None, "error": error}), JSON)
