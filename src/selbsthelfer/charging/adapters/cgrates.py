"""CGRateS: balances over its JSON-RPC interface (`APIerSv1`, `APIerSv2`, `SessionSv1`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from secrets import randbelow
from typing import Any, Final

import msgspec

from selbsthelfer.charging.adapters.calling import Answer, Caller, NoAnswerError, NotSentError, Request, log
from selbsthelfer.charging.adapters.outcomes import believed, no_answer, not_sent, of_refusal
from selbsthelfer.charging.adapters.plain import (
    MAX_BYTES,
    OddAnswerError,
    basic,
    credit_id_of,
    instant_of,
    settle,
    written,
)
from selbsthelfer.charging.core.port import (
    Capabilities,
    Credit,
    Credited,
    Found,
    NotCredited,
    Outcome,
    Unknown,
    UnreadableError,
)

PATH: Final = ("jsonrpc",)
DATA: Final = "*data"
ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""What Go writes where no instant was set: a balance without end."""
MAX_LOOKS: Final = 2
"""How often an account is looked at after a credit, where the first look fails."""
MAX_BALANCES: Final = 2_000
MAX_RECIPIENT_LENGTH: Final = 200
NOT_FOUND: Final = frozenset({"NOT_FOUND", "SERVER_ERROR: NOT_FOUND"})
BUSY: Final = "MAX_CONCURRENT_RPC_EXCEEDED"
MISSING: Final = "MANDATORY_IE_MISSING"


class Balance(msgspec.Struct):
    uuid: str = msgspec.field(name="Uuid")
    id: str = msgspec.field(default="", name="ID")
    value: int | float = msgspec.field(default=0, name="Value")
    ends: str = msgspec.field(default=ZERO_TIME, name="ExpirationDate")


class Account(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    balances: dict[str, list[Balance] | None] | None = msgspec.field(default=None, name="BalanceMap")

    @property
    def volumes(self) -> list[Balance]:
        return (self.balances or {}).get(DATA) or []


class Reply(msgspec.Struct):
    id: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None


class CgratesSystem:
    """A CGRateS; a recipient is the id of an account within one tenant."""

    name: str = "cgrates"

    def __init__(
        self,
        url: str,
        *,
        tenant: str,
        user: str = "",
        password: str = "",
        weight: int = 10,
        can_reauthorise: bool = False,
        timeout_seconds: float = 5.0,
        settle_seconds: int | None = 300,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.capabilities = Capabilities(
            own_bucket=True,
            own_expiry=True,
            priority=True,
            read_back=True,
            reverse=True,
            reauthorise=can_reauthorise,
            keeps_used_up=True,
            settle_seconds=settle(settle_seconds),
        )
        self._tenant = tenant
        self._weight = weight
        self._clock = clock
        self._ids = count(randbelow(2**31))
        authorization = basic(user, password) if user or password else ""
        self._caller = Caller(url, authorization=authorization, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        self._caller.close()

    def credit(self, credit: Credit, *, deadline: float) -> Outcome:
        """Add a balance of its own to an account that exists, and see that it is there.

        The account is looked at before, as one that does not exist would be made up; and after, as this
        system says OK also where it could not write.
        """
        refused = self._refused_here(credit)
        if refused is not None:
            return refused
        before = self._look(credit, deadline)
        if not isinstance(before, Account):
            return before
        there = _balance_of(before, credit)
        if there is not None:
            return Credited(there.uuid)
        added = self._add(credit, deadline)
        if added is not None:
            return added
        return self._seen(credit, deadline)

    def read_back(self, recipient: str) -> tuple[Found, ...]:
        """Tell the data balances of an account. It keeps neither what was credited nor a start."""
        try:
            reply = self._ask("APIerSv2.GetAccount", self._account(recipient), None)
        except (NotSentError, NoAnswerError) as error:
            raise UnreadableError(error.code) from None
        if isinstance(reply, Answer):
            raise UnreadableError(f"status_{reply.status}")
        if reply.error in NOT_FOUND:
            return ()
        account = self._read_account(reply, recipient)
        if account is None:
            raise UnreadableError("system_error" if reply.error else "not_readable")
        if len(account.volumes) > MAX_BALANCES:
            raise UnreadableError("too_many")
        try:
            return tuple(_found(balance) for balance in account.volumes)
        except OddAnswerError as error:
            raise UnreadableError(error.code) from None

    def reverse(self, recipient: str, found: Found) -> Outcome:
        """Remove one balance by the id that this system gave it, which no other has."""
        params = {**self._account(recipient), "BalanceType": DATA, "Balance": {"UUID": found.place}}
        try:
            reply = self._ask("APIerSv1.RemoveBalances", params, None)
        except NotSentError as error:
            return not_sent(error)
        except NoAnswerError as error:
            return no_answer(error)
        if isinstance(reply, Answer):
            return of_refusal(reply)
        if reply.error in NOT_FOUND or (reply.error is None and bytes(reply.result) == b'"OK"'):
            return Credited(found.place)
        return Unknown("system_error")

    def reauthorise(self, recipient: str) -> None:
        """Have the sessions of an account altered, which sends a Re-Auth-Request; best effort."""
        if not self.capabilities.reauthorise or not _can_be_filtered(recipient):
            return
        params = {
            "Tenant": self._tenant,
            "Filters": [f"*string:~*req.Account:{recipient}"],
            "APIOpts": {},
            "Event": {},
        }
        try:
            reply = self._ask("SessionSv1.AlterSessions", params, None)
        except (NotSentError, NoAnswerError):
            return
        if isinstance(reply, Reply) and reply.error and reply.error not in NOT_FOUND:
            log(("SessionSv1.AlterSessions",), "system_error")

    def _refused_here(self, credit: Credit) -> NotCredited | None:
        if not 0 < len(credit.recipient) <= MAX_RECIPIENT_LENGTH or not credit.recipient.isprintable():
            return NotCredited("recipient_unusable", is_permanent=True)
        if credit.bytes > MAX_BYTES:
            return NotCredited("amount_unusable", is_permanent=True)
        if credit.valid_from > self._clock():  # a balance has no start and would be usable at once
            return NotCredited("too_early", is_permanent=False)
        return None

    def _look(self, credit: Credit, deadline: float) -> Account | Outcome:
        """Read an account; anything else says that nothing was credited by it."""
        try:
            reply = self._ask("APIerSv2.GetAccount", self._account(credit.recipient), deadline)
        except (NotSentError, NoAnswerError) as error:
            return NotCredited(error.code, is_permanent=False)
        if isinstance(reply, Answer):
            outcome = believed(of_refusal(reply), reply)
            return (
                NotCredited("check_failed", is_permanent=False) if isinstance(outcome, Unknown) else outcome
            )
        if reply.error in NOT_FOUND:
            return NotCredited("recipient_unknown", is_permanent=True)
        account = self._read_account(reply, credit.recipient)
        return NotCredited("check_failed", is_permanent=False) if account is None else account

    def _seen(self, credit: Credit, deadline: float) -> Outcome:
        """Look for a balance of which the system has said OK."""
        for _ in range(MAX_LOOKS):
            after = self._look(credit, deadline)
            if isinstance(after, Account):
                there = _balance_of(after, credit)
                return Unknown("not_seen") if there is None else Credited(there.uuid)
            if isinstance(after, NotCredited) and after.code == "deadline_passed":
                return Credited()
        return Unknown("not_seen")

    def _add(self, credit: Credit, deadline: float) -> Outcome | None:
        """Add the balance; none where the system says OK."""
        params = {
            **self._account(credit.recipient),
            "BalanceType": DATA,
            "Value": credit.bytes,
            "Balance": {
                "ID": str(credit.credit_id),
                "ExpiryTime": written(credit.valid_until),
                "Weight": self._weight,
            },
        }
        try:
            reply = self._ask("APIerSv1.AddBalance", params, deadline)
        except NotSentError as error:
            return not_sent(error)
        except NoAnswerError as error:
            return no_answer(error)
        if isinstance(reply, Answer):
            return believed(of_refusal(reply), reply)
        if reply.error is None:
            return None if bytes(reply.result) == b'"OK"' else Unknown("not_readable")
        if reply.error.endswith(BUSY):
            return NotCredited("busy", is_permanent=False)
        if reply.error.startswith(MISSING):
            return NotCredited("refused_incomplete", is_permanent=True)
        return Unknown("system_error")

    def _ask(self, method: str, params: Mapping[str, Any], deadline: float | None) -> Reply | Answer:
        """Call a method; gives its reply, or an answer of HTTP that is none.

        Without a deadline it is asked in a connection of its own. An answer that bears another id belongs to
        another request: `NoAnswerError`.
        """
        id_ = next(self._ids)
        body = msgspec.json.encode({"id": id_, "method": method, "params": [params]})
        request = Request("POST", PATH, body)
        if deadline is None:
            answer = self._caller.send_alone(request)
        else:
            answer = self._caller.send(request, deadline=deadline)
        reply = answer.read(Reply) if answer.status == 200 else None
        if reply is not None and reply.id == id_:
            return reply
        self._caller.start_anew()
        if answer.status != 200:
            return answer
        raise NoAnswerError("not_readable" if reply is None else "of_another")

    def _account(self, recipient: str) -> dict[str, str]:
        return {"Tenant": self._tenant, "Account": recipient}

    def _read_account(self, reply: Reply, recipient: str) -> Account | None:
        if reply.error is not None:
            return None
        try:
            account = msgspec.json.decode(reply.result, type=Account)
        except (msgspec.DecodeError, RecursionError):
            return None
        return account if account.id == f"{self._tenant}:{recipient}" else None


def _balance_of(account: Account, credit: Credit) -> Balance | None:
    wanted = str(credit.credit_id)
    return next((balance for balance in account.volumes if balance.id == wanted), None)


def _found(balance: Balance) -> Found:
    if abs(balance.value) > MAX_BYTES:
        raise OddAnswerError("amount_odd")
    return Found(
        place=balance.uuid,
        credit_id=credit_id_of(balance.id),
        bytes=None,
        remaining_bytes=int(balance.value // 1),
        valid_from=None,
        valid_until=None if balance.ends == ZERO_TIME else instant_of(balance.ends),
    )


def _can_be_filtered(recipient: str) -> bool:
    """Tell whether a recipient stands for itself in a filter, in which some signs part values."""
    return all(sign.isalnum() or sign in "+-_.@" for sign in recipient) and recipient != ""
