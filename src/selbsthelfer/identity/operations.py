"""Send and check codes, let people in, and change how they sign in. Each is one transaction.

Times here are real time always, also in a demo whose clock was moved on.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from selbsthelfer.identity.answers import forget_answers
from selbsthelfer.identity.core.codes import CodeState, Purpose, Verdict, judge, new_code
from selbsthelfer.identity.messaging import tell_alert, tell_code
from selbsthelfer.identity.models import Code, User
from selbsthelfer.identity.queries import line_of_number, number_of, running_line
from selbsthelfer.kit.sql import open_cursor, statements

_SQL = statements("selbsthelfer.identity")

CODES_KEPT_HOURS = 24
"""How long a code that was used or ran out is kept; what is older goes."""
MAX_SWEPT = 100
"""Old codes deleted with each new one."""
MAX_FORGOTTEN = 10_000
"""Sessions, counts of tries and kept answers forgotten in one round, of each."""


class NobodyThereError(LookupError):
    """A line is not registered or has ended, so nobody can sign in with it."""

    code = "nobody_there"


class EmailTakenError(ValueError):
    """An e-mail address belongs to somebody else."""

    code = "email_taken"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a given code turned out to be, and whose it is if it is right."""

    verdict: Verdict
    subscriber_id: UUID | None = None
    user_id: UUID | None = None
    address: str = ""

    @property
    def is_right(self) -> bool:
        return self.verdict is Verdict.RIGHT


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in; `is_new` the first time."""

    user: User
    is_new: bool


@transaction.atomic
def send_sign_in_code(*, number: str, language: str, now: datetime) -> UUID:
    """Send a code to a number, given in E.164; for one that is nobody's, do as if.

    Returns the id under which the code is checked.
    """
    cursor = open_cursor()
    standing = line_of_number(cursor, number, now=now)
    subscriber_id = None if standing is None else standing.line.subscriber_id
    return _send_code(
        cursor,
        Code(purpose=Purpose.SIGN_IN, subscriber_id=subscriber_id, created_at=now),
        to=None if standing is None else number,
        language=language,
    )


@transaction.atomic
def send_second_proof_code(*, user: User, language: str, now: datetime) -> UUID:
    """Send a code to the number of somebody who is signed in, or to their e-mail address without one."""
    code = Code(purpose=Purpose.SECOND_PROOF, user=user, subscriber_id=user.subscriber_id, created_at=now)
    return _send_code(open_cursor(), code, to=number_of(user) or user.email or None, language=language)


@transaction.atomic
def send_email_code(*, user: User, email: str, language: str, now: datetime) -> UUID:
    """Send a code to a new e-mail address; none goes out when it belongs to somebody else already."""
    address = email.strip().lower()
    code = Code(
        purpose=Purpose.EMAIL,
        user=user,
        subscriber_id=user.subscriber_id,
        address=address,
        created_at=now,
    )
    is_taken = User.objects.filter(email=address).exclude(pk=user.pk).exists()
    return _send_code(open_cursor(), code, to=None if is_taken else address, language=language)


class _NotSent(Exception):  # noqa: N818 - no error: it takes a message back
    """A message was written that goes to nobody."""


def _send_code(cursor: psycopg.Cursor[Any], code: Code, *, to: str | None, language: str) -> UUID:
    """Keep a code and send it; without an address it is kept in a way that nothing given can match.

    The message to nobody is written and taken back, so that it cannot be told apart by the time it takes.
    """
    before = code.created_at - timedelta(hours=CODES_KEPT_HOURS)
    cursor.execute(_SQL["sweep_codes"], {"before": before, "limit": MAX_SWEPT})
    drawn = new_code()
    code.digest = _digest(code.code_id, drawn if to else secrets.token_hex())
    code.save(force_insert=True)
    with suppress(_NotSent), transaction.atomic():
        tell_code(
            cursor,
            code_id=code.code_id,
            purpose=Purpose(code.purpose),
            code=drawn,
            subscriber_id=code.subscriber_id,
            to=to,
            language=language,
            now=code.created_at,
        )
        if not to:
            raise _NotSent
    return code.code_id


@transaction.atomic
def check_code(*, code_id: UUID, purpose: Purpose, given: str, now: datetime) -> Checked:
    """Check a code that somebody entered; every check counts as a guess, and a right one is used up."""
    code = Code.objects.select_for_update(of=("self",)).filter(pk=code_id, purpose=purpose).first()
    if code is None:
        return Checked(Verdict.OVER)
    state = CodeState(code.digest, code.guesses, code.created_at, code.used_at is not None)
    verdict = judge(state, _digest(code.code_id, given), now=now)
    code.guesses = min(code.guesses + 1, 100)
    if verdict is not Verdict.RIGHT:
        code.save(update_fields=["guesses"])
        return Checked(verdict)
    code.used_at = now
    code.save(update_fields=["guesses", "used_at"])
    return Checked(verdict, code.subscriber_id, code.user_id, code.address)


def _digest(code_id: UUID, code: str) -> str:
    return salted_hmac(f"selbsthelfer.identity.code.{code_id}", code, algorithm="sha256").hexdigest()


@transaction.atomic
def enter(*, subscriber_id: UUID, now: datetime, language: str = "") -> Entered:
    """Let in the user of a line, who is made the first time; raises `NobodyThereError`.

    A new user goes on reading in the `language` in which they signed in, else in that of the line.
    """
    standing = running_line(open_cursor(), subscriber_id, now=now)
    if standing is None:
        raise NobodyThereError("this line is not registered or has ended")
    user = User(
        name=uuid4().hex,
        subscriber_id=subscriber_id,
        subject=standing.line.subject,
        language=language or standing.language or "",
        created_at=now,
    )
    user.set_unusable_password()
    # Of two first times at once one makes the user, and the other finds it.
    made = User.objects.bulk_create([user], ignore_conflicts=True)[0]
    found = User.objects.get(subscriber_id=subscriber_id)
    return Entered(found, is_new=found.pk == made.pk)


@transaction.atomic
def set_password(*, user: User, password: str, now: datetime) -> None:
    """Set a password that has been validated, and tell the user that it was changed."""
    user.set_password(password)
    user.password_set_at = now
    user.save(update_fields=["password", "password_set_at"])
    tell_change(user=user, kind="password_changed", now=now)


@transaction.atomic
def change_email(*, user: User, email: str, now: datetime) -> None:
    """Change an e-mail address that has proved reachable, and tell the old one; raises `EmailTakenError`."""
    old = user.email
    user.email = email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError as error:
        user.email = old
        raise EmailTakenError("this e-mail address belongs to somebody else") from error
    tell_change(user=user, kind="email_changed", now=now, email=old)


@transaction.atomic
def tell_change(*, user: User, kind: str, now: datetime, email: str | None = None) -> None:
    """Tell a user at their number and e-mail address that something was changed.

    `email` is where to tell it instead of the address they have now.
    """
    number = number_of(user)
    to = [address for address in (number, user.email if email is None else email) if address]
    tell_alert(
        open_cursor(),
        kind=kind,
        subscriber_id=user.subscriber_id,
        to=to,
        language=user.language,
        now=now,
    )


@transaction.atomic
def choose_display(*, user: User, language: str, appearance: str) -> None:
    """Keep in which language and colours somebody reads what we show and send them."""
    user.language, user.appearance = language, appearance
    user.save(update_fields=["language", "appearance"])


@transaction.atomic
def end_session(*, user: User, session_id: int) -> bool:
    """Sign a user out in one place; tell whether there was one of theirs."""
    found = UserSession.objects.filter(user=user, pk=session_id).first()
    if found is None:
        return False
    Session.objects.filter(session_key=found.session_key).delete()
    found.delete()
    return True


@transaction.atomic
def end_other_sessions(*, user: User, session_key: str | None) -> int:
    """Sign a user out everywhere but in the session given; return in how many places."""
    others = UserSession.objects.filter(user=user).exclude(session_key=session_key)
    keys = list(others.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    others.delete()
    return len(keys)


@transaction.atomic
def forget_expired(*, now: datetime) -> int:
    """Forget sessions, counts of tries and answers that ran out, `MAX_FORGOTTEN` of each.

    Returns how many it were of the kind of which there were most: with `MAX_FORGOTTEN` there may be more.
    """
    cursor = open_cursor()
    parameters = {"now": now, "limit": MAX_FORGOTTEN}
    answers = forget_answers(cursor, now=now, limit=MAX_FORGOTTEN)
    (counts,) = cursor.execute(_SQL["forget_counts"], parameters).fetchone() or (0,)
    (sessions,) = cursor.execute(_SQL["forget_sessions"], parameters).fetchone() or (0,)
    return max(answers, int(counts), int(sessions))


def erase_line(cursor: psycopg.Cursor[Any], line: UUID, *, now: datetime) -> None:  # noqa: ARG001
    """Erase the access of a line, inside the running transaction: user, proofs, codes and sessions."""
    user = User.objects.filter(subscriber_id=line).first()
    if user is not None:
        end_other_sessions(user=user, session_key=None)
        user.delete()
    Code.objects.filter(subscriber_id=line).delete()
