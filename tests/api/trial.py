"""A few routes made for tests, behind the real middleware: what holds for them holds for every route."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import Field, Router, Schema

from selbsthelfer.api.callers import Needs
from selbsthelfer.api.making import make_api
from selbsthelfer.api.middleware import ApiMiddleware, request_id_now
from selbsthelfer.api.once import ONCE, once
from selbsthelfer.api.problems import Problem, refusals
from selbsthelfer.api.shapes.base import Sent, WholeNumber, YesOrNo
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.models import Tries

MIDDLEWARE = ["tests.api.trial.TrialMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"]

router = Router(tags=["trial"])


class Inner(Sent):
    amount: WholeNumber = Field(ge=0, le=10**18)
    is_kept: YesOrNo = False


class Wanted(Sent):
    word: str = Field(max_length=100)
    inner: Inner
    at: datetime | None = None


class Given(Schema):
    word: str
    from_: str = Field(alias="from")


class TrialMiddleware(ApiMiddleware):
    addresses = "tests.api.trial"


@router.get("/nothing", auth=Needs(Scope.LINES_READ), response=Given)
def ask_nothing(request: HttpRequest) -> Given:
    return given("nothing")


@router.get("/number/{number}", auth=Needs(Scope.LINES_READ), response=Given)
def ask_number(request: HttpRequest, number: int, limit: int = 1) -> Given:
    return given(str(number * limit))


@router.post("/words", auth=Needs(Scope.REWARDS_WRITE), response={201: Given}, openapi_extra=dict(ONCE))
def put_word(request: HttpRequest, wanted: Wanted) -> HttpResponse:
    return once(request, lambda: (201, work(wanted)))


@router.post("/echo", auth=Needs(Scope.REWARDS_WRITE), response={200: Given, **refusals(404)})
def echo(request: HttpRequest, wanted: Wanted) -> Given:
    return work(wanted)


@router.get("/broken", auth=Needs(Scope.LINES_READ), response=Given)
def break_down(request: HttpRequest) -> Any:
    raise RuntimeError("+49 171 3920001 is nobody's business")


@router.get("/cut-off", auth=Needs(Scope.LINES_READ), response=Given)
def lose_the_database(request: HttpRequest) -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def given(word: str) -> Given:
    return Given(**{"word": word, "from": request_id_now()})


def work(wanted: Wanted) -> Given:
    """Leave a trace in the database: what was done twice would break its key."""
    Tries.objects.create(key=wanted.word, kept=[], ends_at=datetime.fromisoformat("2030-01-01T00:00Z"))
    if wanted.word == "refused":
        raise Problem(409, "refused_here", "Not this word.")
    return given(wanted.word)


trial_api = make_api("trial")
trial_api.add_router("", router)
urlpatterns = [path("api/v1/", trial_api.urls)]
