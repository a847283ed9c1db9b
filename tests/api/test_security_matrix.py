"""Every address for machines against everybody who should not be there.

The addresses come from the resolver, their methods from asking: what stands in no row of `ROUTES` fails, and
so does a row of which there is no address. Addresses of pages have a matrix of their own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any, Final

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from selbsthelfer.api.application import api
from selbsthelfer.api.description import needs_of
from selbsthelfer.api.nearness import PASSED_ON
from selbsthelfer.identity.calls import forget_purses
from selbsthelfer.identity.core.keys import _with_check, new_key
from selbsthelfer.identity.core.scopes import Scope
from selbsthelfer.identity.known_keys import forget_known
from tests.api.callers import PREFIX
from tests.api.life import READS, content_of_tables, counted_statements
from tests.api.security_world import (
    ANNA,
    BERTA,
    KUMMER,
    NUMBER,
    PROGRAMME,
    Identity,
    World,
    ask,
    fresh_address,
    leaks,
    settle,
    strangers,
    told_interaction,
    with_scopes,
    with_token,
)
from tests.portal.life import now, prepare
from tests.portal.security_world import plain_life, routes_for_machines

pytestmark = pytest.mark.django_db

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SAFE: Final = ("GET", "HEAD")


@dataclass(frozen=True)
class Route:
    """How one method of an address is called, and whom it answers: everybody without a scope."""

    path: str
    scope: Scope | None = None
    is_for_tokens: bool = False
    body: object = None
    status: int = 200


LINE, HOOK = f"{PREFIX}/lines/{{line}}", f"{PREFIX}/webhooks/{{webhook}}"
BALANCE, INTERACTIONS = (
    "tmf-api/prepayBalanceManagement/v4/",
    (
        "tmf-api/partyInteractionManagement/v4/",
        "tmf-api/partyInteraction/v4/",
    ),
)


def _read(scope: Scope, path: str, *, tokens: bool = False) -> Route:
    return Route(path, scope, is_for_tokens=tokens)


FACT: Final = {
    "specversion": "1.0",
    "id": "{fresh}",
    "source": "/app",
    "type": "selfservice.finished",
    "subject": "{line}",
    "time": "{now}",
    "data": {"activity": "bill.view", "outcome": "succeeded"},
}
VOLUME: Final = {
    "amount": {"amount": 5_000, "units": "octets"},
    "partyAccount": {"id": "{line}"},
    "bucket": {"id": "{bucket}"},
}


API: Final[Mapping[str, Mapping[str, Route]]] = {
    "facts": {"POST": Route(f"{PREFIX}/facts", Scope.FACTS_WRITE, body=FACT)},
    "lines/<line>/tokens": {
        "POST": Route(f"{LINE}/tokens", Scope.TOKENS_WRITE, body={}, status=201),
    },
    "lines/<line>/panel-links": {
        "POST": Route(f"{LINE}/panel-links", Scope.TOKENS_WRITE, body={"language": "de"}, status=201),
    },
    "lines/<line>": {"GET": _read(Scope.LINES_READ, LINE, tokens=True)},
    "lines/<line>/entries": {"GET": _read(Scope.LINES_READ, f"{LINE}/entries", tokens=True)},
    "lines/<line>/rewards": {"GET": _read(Scope.LINES_READ, f"{LINE}/rewards", tokens=True)},
    "lines/<line>/contacts": {"GET": _read(Scope.LINES_READ, f"{LINE}/contacts", tokens=True)},
    "lines/<line>/offers": {"GET": _read(Scope.LINES_READ, f"{LINE}/offers", tokens=True)},
    "lines/<line>/enrolments": {
        "GET": _read(Scope.LINES_READ, f"{LINE}/enrolments", tokens=True),
        "POST": Route(f"{LINE}/enrolments", Scope.REWARDS_WRITE, body={"programme": PROGRAMME}, status=200),
    },
    "lines/<line>/enrolments/<programme>/withdrawal": {
        "POST": Route(f"{LINE}/enrolments/{{programme}}/withdrawal", Scope.REWARDS_WRITE, status=201),
    },
    "lines/<line>/courtesies": {
        "GET": _read(Scope.LINES_READ, f"{LINE}/courtesies", tokens=True),
        "POST": Route(f"{LINE}/courtesies", Scope.REWARDS_WRITE, body={"bytes": 1_000_000}, status=201),
    },
    "lines/<line>/reclassifications": {
        "POST": Route(
            f"{LINE}/reclassifications",
            Scope.CONTACTS_WRITE,
            body={"contact": {"source": "/test", "id": "any"}, "counts": False, "reason": KUMMER},
            status=201,
        ),
    },
    "programmes": {"GET": _read(Scope.LINES_READ, f"{PREFIX}/programmes")},
    "programmes/<programme>": {"GET": _read(Scope.LINES_READ, f"{PREFIX}/programmes/{{programme}}")},
    "webhooks": {
        "GET": _read(Scope.WEBHOOKS_WRITE, f"{PREFIX}/webhooks"),
        "POST": Route(
            f"{PREFIX}/webhooks",
            Scope.WEBHOOKS_WRITE,
            body={"url": "https://hooks.example.com/new", "events": ["grant.released"]},
            status=201,
        ),
    },
    "webhooks/<webhook>": {
        "GET": _read(Scope.WEBHOOKS_WRITE, HOOK),
        "PATCH": Route(HOOK, Scope.WEBHOOKS_WRITE, body={"description": "new"}),
        "DELETE": Route(HOOK, Scope.WEBHOOKS_WRITE),
    },
    "webhooks/<webhook>/secret-rotations": {
        "POST": Route(f"{HOOK}/secret-rotations", Scope.WEBHOOKS_WRITE, body={}, status=201),
    },
    "webhooks/<webhook>/deliveries": {"GET": _read(Scope.WEBHOOKS_WRITE, f"{HOOK}/deliveries")},
    "webhooks/<webhook>/attempts": {"GET": _read(Scope.WEBHOOKS_WRITE, f"{HOOK}/attempts")},
    "webhooks/<webhook>/replays": {
        "POST": Route(f"{HOOK}/replays", Scope.WEBHOOKS_WRITE, body={}, status=201),
    },
    "webhooks/<webhook>/tests": {
        "POST": Route(f"{HOOK}/tests", Scope.WEBHOOKS_WRITE, status=201),
    },
}
OPEN: Final[Mapping[str, Mapping[str, Route]]] = {
    "health": {"GET": Route("/health")},
    "ready": {"GET": Route("/ready")},
    "metrics": {"GET": Route("/metrics", Scope.METRICS_READ)},
    "api/v1/openapi.json": {"GET": Route(f"{PREFIX}/openapi.json")},
    "api/v1/reference": {"GET": Route(f"{PREFIX}/reference")},
    "api/v1/reference.css": {"GET": Route(f"{PREFIX}/reference.css")},
}
EMPTY: Final = "api/v1/"
"""Where the routes of the API begin: nothing is there, whoever asks and however."""


def _partners() -> Iterator[tuple[str, Mapping[str, Route]]]:
    """List the addresses of TM Forum's APIs; what a resource does not do is 405 to whoever may ask."""
    b_read, b_write = Scope.BALANCE_READ, Scope.BALANCE_WRITE
    for kind in ("bucket", "topupBalance", "adjustBalance", "reserveBalance", "accumulatedBalance"):
        path = f"/{BALANCE}{kind}"
        found = {"GET": _read(b_read, f"{path}?partyAccount.id={{line}}")}
        one = {"GET": _read(b_read, f"{path}/{{{kind}}}")}
        if kind not in ("bucket", "accumulatedBalance"):
            found["POST"] = Route(path, b_write, body=VOLUME, status=201)
        if kind == "reserveBalance":
            # What a partner asked is altered by that partner; the key of anybody else finds none.
            one["PATCH"] = Route(f"{path}/{{{kind}}}", b_write, body={"status": "cancelled"}, status=404)
            one["DELETE"] = Route(f"{path}/{{{kind}}}", b_write, status=404)
        yield f"{BALANCE}{kind}", found
        yield f"{BALANCE}{kind}/<str:id_>", one
    yield from _hub(BALANCE, b_read, b_write, "balance_hub")
    i_read, i_write = Scope.INTERACTION_READ, Scope.INTERACTION_WRITE
    for base in INTERACTIONS:
        path = f"/{base}partyInteraction"
        yield (
            f"{base}partyInteraction",
            {
                "GET": _read(i_read, f"{path}?relatedParty.id={{line}}"),
                "POST": Route(path, i_write, body=told_interaction("{fresh}"), status=201),
            },
        )
        yield (
            f"{base}partyInteraction/<str:id_>",
            {
                "GET": _read(i_read, f"{path}/{{partyInteraction}}"),
                "PATCH": Route(
                    f"{path}/{{partyInteraction}}", i_write, body={"status": "completed"}, status=404
                ),
            },
        )
        yield from _hub(base, i_read, i_write, "interaction_hub")


def _hub(base: str, read: Scope, write: Scope, name: str) -> Iterator[tuple[str, Mapping[str, Route]]]:
    callback = {"callback": "https://listener.example.com/new"}
    yield f"{base}hub", {"POST": Route(f"/{base}hub", write, body=callback, status=201)}
    # A listener is struck by the partner whose it is; the key of anybody else finds none.
    yield f"{base}hub/<str:id_>", {"DELETE": Route(f"/{base}hub/{{{name}}}", write, status=404)}
    for rest in ("<path:rest>", ""):
        nothing = Route(f"/{base}{'else/where' if rest else ''}", read, status=404)
        yield f"{base}{rest}", {method: nothing for method in METHODS if method != "HEAD"}


PARTNERS: Final[Mapping[str, Mapping[str, Route]]] = dict(_partners())
ROUTES: Final[Mapping[str, Mapping[str, Route]]] = {
    **{f"api/v1/{pattern}": methods for pattern, methods in API.items()},
    **OPEN,
    **PARTNERS,
}
"""Every address for machines, by its pattern and method."""
CLOSED: Final = [
    (method, route)
    for methods in ROUTES.values()
    for method, route in methods.items()
    if route.scope is not None
]


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    """Settle Anna and Berta; in the end nothing that was logged tells anything of anybody."""
    for name in ("selbsthelfer", "django", "django.request", "django.security", "ninja"):
        caplog.set_level(logging.DEBUG, logger=name)
    settled = settle()
    caplog.clear()
    yield settled
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.get_records("call"))
    told = [value for value in (*settled.private, "Bearer", "shk_", "slt_", "whsec_") if value in logged]
    assert not told, told


def is_refusal(answer: HttpResponse, status: int, code: str, *, method: str = "GET") -> bool:
    """Tell whether an answer is a refusal as its face writes it, and nothing more."""
    if answer.status_code != status:
        return False
    if method == "HEAD":
        return answer.content == b""
    said = json.loads(answer.content)
    kind = answer.headers["Content-Type"]
    if said.get("@type") == "Error":
        return (said["code"], said["status"]) == (code, str(status)) and kind.startswith("application/json")
    members = {"type", "title", "status", "code", "detail", "request_id"}
    is_ours = kind == "application/problem+json" and set(said) <= members
    return is_ours and (said["code"], said["status"]) == (code, status)


def test_every_address_stands_in_the_table_and_nothing_else_does() -> None:
    assert {pattern for pattern, _ in routes_for_machines()} == {*ROUTES, EMPTY}


def test_every_method_stands_in_the_table_and_nothing_else_does(world: World) -> None:
    """What a key for everything may ask without 405 is what there is."""
    everything = with_scopes(*Scope)
    for pattern, methods in ROUTES.items():
        path = next(iter(methods.values())).path
        found = set()
        for method in METHODS:
            before = transaction.savepoint()
            if ask(everything, method, path, world.names, body={}).status_code != 405:
                found.add(method)
            transaction.savepoint_rollback(before)
        assert found - {"HEAD"} == set(methods), pattern
        assert ("HEAD" in found) == ("GET" in found), pattern


def test_what_the_table_says_is_how_routes_are_guarded() -> None:
    for operation in api.operations():
        needs = needs_of(operation)
        assert needs is not None
        pattern = f"api/v1{operation.path}".replace("{", "<").replace("}", ">")
        for method in operation.methods:
            route = ROUTES[pattern][method]
            assert (route.scope, route.is_for_tokens) == (needs.scope, needs.of_line), pattern


def test_strangers_learn_nothing_and_change_nothing(world: World) -> None:
    who, wrong, asked = strangers(), [], 0
    before = content_of_tables()
    for identity, (method, route) in product(who, CLOSED):
        answer = ask(identity, method, route.path, world.names, body=route.body)
        code = "token_expired" if identity.name == "expired token" else "key_invalid"
        if not is_refusal(answer, 401, code) or "Bearer" not in answer.headers.get("WWW-Authenticate", ""):
            wrong.append((identity.name, method, route.path, answer.status_code, answer.content[:200]))
        wrong += [(identity.name, method, route.path, text) for text in leaks(answer, world.private)]
        asked += 1
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert content_of_tables() == before
    assert asked > 1_000


def test_no_method_opens_what_another_one_does_not(world: World) -> None:
    """Those too that a route does not know; a refusal for one of those says nothing either."""
    who, before, wrong = (
        [strangers()[0], with_token(BERTA), with_scopes(Scope.METRICS_READ)],
        content_of_tables(),
        [],
    )
    for identity, (pattern, methods), method in product(who, ROUTES.items(), METHODS):
        route = next(iter(methods.values()))
        if route.scope is None or (route.scope is Scope.METRICS_READ and identity is who[2]):
            continue
        answer = ask(identity, method, route.path, world.names, body=route.body)
        if answer.status_code not in (401, 403, 404, 405) or (
            answer.status_code == 404 and identity is not who[1]
        ):
            wrong.append((identity.name, method, pattern, str(answer.status_code)))
        wrong += [(identity.name, method, pattern, text) for text in leaks(answer, world.private)]
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert content_of_tables() == before


def test_every_scope_but_the_right_one_is_refused(world: World) -> None:
    keys = {scope: with_scopes(scope) for scope in Scope}
    before, wrong, asked = content_of_tables(), [], 0
    for (scope, key), (method, route) in product(keys.items(), CLOSED):
        if scope is route.scope:
            continue
        answer = ask(key, method, route.path, world.names, body=route.body)
        if not is_refusal(answer, 403, "scope_missing"):
            wrong.append((scope, method, route.path, answer.status_code, answer.content[:200]))
        wrong += [(scope, method, route.path, text) for text in leaks(answer, world.private)]
        asked += 1
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert content_of_tables() == before
    assert asked > 1_000


def test_the_right_scope_alone_is_enough_and_shows_what_others_must_not_see(world: World) -> None:
    """Were the marks not in these answers, their absence elsewhere would prove nothing."""
    keys = {scope: with_scopes(scope) for scope in Scope}
    shown: set[str] = set()
    for method, route in CLOSED:
        before = transaction.savepoint()
        answer = ask(keys[route.scope], method, route.path, world.names, body=route.body)  # type: ignore[index]
        assert answer.status_code == route.status, (method, route.path, answer.content[:500])
        shown |= set(leaks(answer, world.private))
        transaction.savepoint_rollback(before)
        forget_known()
    assert len(shown) > 50, shown
    assert {ANNA, "123456789"} <= shown
    # Numbers and agents are told to nobody, whatever the key.
    assert {NUMBER, "agent-merkzeichen"} <= world.private - shown


def test_a_token_opens_its_own_line_for_reading_and_nothing_else(world: World) -> None:
    own, other = with_token(ANNA), with_token(BERTA)
    before, wrong = content_of_tables(), []
    for method, route in CLOSED:
        hers = ask(own, method, route.path, world.names, body=route.body)
        if route.is_for_tokens:
            assert hers.status_code == 200, (route.path, hers.content)
            refused = is_refusal(ask(other, method, route.path, world.names), 404, "line_unknown")
        else:
            refused = is_refusal(hers, 403, "scope_missing") and not leaks(hers, world.private)
            answer = ask(other, method, route.path, world.names, body=route.body)
            refused = refused and is_refusal(answer, 403, "scope_missing")
        if not refused:
            wrong.append((method, route.path))
        wrong += [
            (method, route.path, text)
            for text in leaks(ask(other, method, route.path, world.names, body=route.body), world.private)
        ]
    assert not wrong, "\n" + "\n".join(map(str, wrong))
    assert content_of_tables() == before


def test_a_line_of_another_and_one_that_is_not_there_are_answered_alike(world: World) -> None:
    """By the byte, with the same statements: so nobody finds out with a token who is a customer."""
    berta, told = with_token(BERTA), []
    for _, route in CLOSED:
        if not route.is_for_tokens:
            continue
        for line in (ANNA, "nobody", ANNA + "x" * 190, "%C3%A4 '", BERTA.upper()):
            forget_known()
            forget_purses()
            with counted_statements() as statements:
                names = {**world.names, "line": line}
                answer = ask(berta, "GET", route.path, names, x_request_id="one")
            headers = {name: value for name, value in answer.headers.items() if name != "RateLimit"}
            told.append((route.path, line, answer.status_code, answer.content, headers, len(statements)))
    assert {(status, json.loads(content)["code"]) for _, _, status, content, *_ in told} == {
        (404, "line_unknown")
    }
    assert len({str(rest) for _, _, *rest in told}) == 1, told


def test_a_key_that_is_nobodys_and_one_whose_secret_is_wrong_are_answered_alike(world: World) -> None:
    known = with_scopes(Scope.LINES_READ).headers["authorization"]
    key_id = known.removeprefix("Bearer shk_")[:10]
    made = new_key()
    wrong_secret = _with_check(f"shk_{key_id}{made[14:-6]}")
    answers = set()
    for key in (made, wrong_secret, wrong_secret, made):
        forget_known()
        who = Identity("x", {"authorization": f"Bearer {key}", "x-request-id": "one"}, Client())
        with counted_statements() as statements:
            answer = ask(who, "GET", LINE, world.names)
        answers.add((answer.status_code, answer.content, str(dict(answer.headers)), len(statements)))
    assert len(answers) == 1


def test_numbers_are_for_this_machine_or_a_key(world: World, client: Client) -> None:
    here: Any = client.get("/metrics")
    assert here.status_code == 200
    assert not leaks(here, world.private)
    for header in PASSED_ON:
        headers = {header: "127.0.0.1"}
        assert client.get("/metrics", headers=headers).status_code == 401
    assert client.get("/metrics", REMOTE_ADDR=fresh_address()).status_code == 401


def test_what_is_open_tells_nothing_of_anybody(world: World) -> None:
    for methods, method in product(OPEN.values(), METHODS):
        route = methods["GET"]
        if route.scope is None:
            answer = ask(strangers_nobody(), method, route.path, world.names)
            assert answer.status_code == (200 if method in SAFE else 405), (method, route.path)
            assert not leaks(answer, world.private)
    for method in METHODS:
        assert ask(strangers_nobody(), method, f"/{EMPTY}", world.names).status_code in (404, 405)


def strangers_nobody() -> Identity:
    return Identity("nobody", {}, Client())


def test_for_the_app_of_a_line_in_control_it_is_as_if_there_were_no_programme(settings: Settings) -> None:
    """The same line lives twice: held out of a programme, and where no programme exists."""
    told_at = now()
    held_out = _all_told(told_at, is_in_control=True)
    untouched = _all_told(told_at, is_in_control=False)
    assert set(held_out) == set(untouched)
    for path, answer in held_out.items():
        assert answer == untouched[path], path
    assert len(held_out) == len(READS) + 1
    assert PROGRAMME not in str(held_out)


def _all_told(told_at: Any, *, is_in_control: bool) -> dict[str, Any]:
    """Read all that a token reads, in a world that is gone afterwards."""
    before = transaction.savepoint()
    life = plain_life("held-out", msisdn="+491713920055")
    life.facts[0]["time"] = (told_at - timedelta(days=300)).isoformat()
    for day in range(190, 0, -20):
        life.did(told_at - timedelta(days=day), "net.diagnose")
    life.called(told_at - timedelta(days=20), "use.view")
    life.add("usage.recorded", told_at - timedelta(days=1), {"bytes": 30_000_000})
    if is_in_control:
        prepare()
        life.variant = "control"
        life.enrolled(told_at - timedelta(days=200))
    life.send()
    forget_known()
    who = with_scopes(Scope.TOKENS_WRITE, Scope.LINES_READ)
    made: Any = ask(who, "POST", f"{PREFIX}/lines/held-out/tokens", {}, body={})
    phone = Identity("phone", {"authorization": f"Bearer {json.loads(made.content)['token']}"}, Client())
    answers = {}
    for path in (*READS, "/unknown"):
        answer = ask(phone, "GET", f"{PREFIX}/lines/held-out{path}", {}, x_request_id="one")
        headers = {name: answer.headers.get(name) for name in ("Content-Type", "Content-Length", "ETag")}
        answers[path] = (answer.status_code, headers, json.loads(answer.content))
    transaction.savepoint_rollback(before)
    forget_known()
    return answers
