"""Bad input: a clear refusal of the 4xx kind, and nothing is changed."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from io import BytesIO

import pytest
from django.test import Client, RequestFactory

from selbsthelfer.api.bodies import MAX_BODY_BYTES, MAX_DEPTH, read_body, read_json
from selbsthelfer.api.problems import Problem
from selbsthelfer.identity.models import Answer, Tries
from tests.api.callers import Asking, asking, make_client, read, read_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trial_routes")]

SOUND = {"word": "word", "inner": {"amount": 1}}


@pytest.fixture
def caller(client: Client) -> Asking:
    return asking(client, make_client())


def nothing_changed() -> bool:
    return not Tries.objects.exists() and not Answer.objects.exists()


MALFORMED = {
    "no JSON": b"word",
    "cut off": b'{"word": "wo',
    "two documents": b"{} {}",
    "trailing comma": b'{"word": "a",}',
    "not a number": b'{"word": NaN}',
    "infinite": b'{"word": Infinity}',
    "comment": b"{} // word",
    "single quotes": b"{'word': 1}",
    "latin-1": '{"word": "ä"}'.encode("latin-1"),
    "utf-16": '{"word": "a"}'.encode("utf-16"),
    "half a surrogate": b'{"word": "\\ud800"}',
    "raw control character": b'{"word": "a\x01"}',
    "raw NUL": b'{"word": "a\x00"}',
    "byte order mark": b'\xef\xbb\xbf{"word": "a"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_json_is_refused(caller: Asking, body: bytes) -> None:
    read_problem(caller.post("/words", body, once="k"), 400, "body_malformed")
    assert nothing_changed()


def test_a_refusal_does_not_repeat_what_was_sent(caller: Asking) -> None:
    answer = caller.post("/words", b'{"word": "+49 171 3920001", secret}', once="k")
    assert b"171" not in answer.content
    assert b"secret" not in answer.content


WRONG: dict[str, tuple[object, str, str]] = {
    "an array": ([SOUND], "", "model_attributes_type"),
    "a text": ("word", "", "model_attributes_type"),
    "null": (None, "", "model_attributes_type"),
    "nothing in it": ({}, "/word", "missing"),
    "a number for a text": ({**SOUND, "word": 5}, "/word", "string_type"),
    "a text for a number": ({**SOUND, "inner": {"amount": "1"}}, "/inner/amount", "int_type"),
    "true for a number": ({**SOUND, "inner": {"amount": True}}, "/inner/amount", "int_type"),
    "a fraction": ({**SOUND, "inner": {"amount": 1.5}}, "/inner/amount", "int_type"),
    "too large": ({**SOUND, "inner": {"amount": 10**18 + 1}}, "/inner/amount", "less_than_equal"),
    "beyond 64 bits": ({**SOUND, "inner": {"amount": 10**30}}, "/inner/amount", "less_than_equal"),
    "yes for true": ({**SOUND, "inner": {"amount": 1, "is_kept": "yes"}}, "/inner/is_kept", "bool_type"),
    "no instant": ({**SOUND, "at": "tomorrow"}, "/at", "datetime_from_date_parsing"),
    "an unknown member": ({**SOUND, "extra/~": 1}, "/extra~1~0", "member_unknown"),
    "an unknown member inside": ({**SOUND, "inner": {"amount": 1, "x": 1}}, "/inner/x", "member_unknown"),
}


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(caller: Asking, body: object, pointer: str, code: str) -> None:
    answer = caller.post("/words", json.dumps(body).encode(), once="k")
    problem = read_problem(answer, 422, "request_invalid")
    assert (pointer, code) in {(one["pointer"], one["code"]) for one in problem["errors"]}, problem
    assert nothing_changed()


def test_many_faults_are_not_all_told(caller: Asking) -> None:
    body = {**SOUND, **{f"x{number}": 1 for number in range(5_000)}}
    problem = read_problem(caller.post("/words", body, once="k"), 422, "request_invalid")
    assert len(problem["errors"]) == 100


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 200_000])
@pytest.mark.parametrize("one", ['{"a":', "["])
def test_what_lies_too_deep_is_refused(caller: Asking, depth: int, one: str) -> None:
    answer = caller.post("/words", (one * depth).encode()[: MAX_BODY_BYTES - 10], once="k")
    read_problem(answer, 400, "body_too_deep")
    assert nothing_changed()


def test_brackets_in_texts_and_side_by_side_are_not_depth() -> None:
    text = "[{" * 1_000 + '"\\'
    assert read_json(json.dumps([{"a": text}, [[]] * 500]).encode()) == [{"a": text}, [[]] * 500]
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(Problem):
        read_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("body", [{"word": "a\0b"}, {"a\0": 1}, {"word": "a", "inner": {"x": ["\0"]}}])
def test_the_character_nul_is_refused(caller: Asking, body: object) -> None:
    read_problem(caller.post("/words", body, once="k"), 400, "character_nul")
    assert nothing_changed()


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert read_json(b'"\\\\u0000"') == "\\u0000"


@pytest.mark.parametrize("path", ["/number/1%00", "/nothing?a=%00", "/nothing%00"])
def test_the_character_nul_in_an_address_is_refused(caller: Asking, path: str) -> None:
    read_problem(caller.get(path), 400, "character_nul")


KINDS = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
]


@pytest.mark.parametrize("kind", [*KINDS, "", "application/json; charset=latin-1", "application/jsonx"])
def test_another_content_type_is_refused(caller: Asking, kind: str) -> None:
    answer = caller.send("POST", "/words", SOUND, once="k", content_type=kind)
    read_problem(answer, 415, "media_type_unknown")
    assert nothing_changed()


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=UTF-8", "application/x+json"]
)
def test_json_by_any_of_its_names_is_read(caller: Asking, kind: str) -> None:
    read(caller.send("POST", "/words", SOUND, once="k", content_type=kind), 201)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(caller: Asking) -> None:
    answer = caller.post("/words", b" " * 50_000_000, once="k")
    read_problem(answer, 413, "body_too_large")
    announced = caller.post("/words", b"{}", once="k", content_length=str(10**30))
    read_problem(announced, 413, "body_too_large")
    read_problem(caller.post("/words", b"{}", once="k", content_length="-1"), 400, "length_invalid")
    assert nothing_changed()


def test_a_body_that_breaks_off_is_refused() -> None:
    request = RequestFactory().post("/api/v1/words", b"", content_type="application/json")
    request.META["CONTENT_LENGTH"] = "500"
    request._stream = BytesIO(b"{}")
    with pytest.raises(Problem) as refused:
        read_body(request)
    assert (refused.value.status, refused.value.code) == (400, "body_broken_off")


def test_a_body_in_chunks_is_read_and_bounded() -> None:
    for size, status in ((MAX_BODY_BYTES, None), (MAX_BODY_BYTES + 1, 413)):
        request = RequestFactory().post("/api/v1/words", headers={"transfer-encoding": "chunked"})
        request.META["CONTENT_LENGTH"] = ""
        request.environ["wsgi.input"] = BytesIO(b" " * size)
        if status is None:
            read_body(request)
            assert len(request.body) == size
        else:
            with pytest.raises(Problem) as refused:
                read_body(request)
            assert refused.value.status == status


def test_a_packed_body_is_read(caller: Asking) -> None:
    packed = gzip.compress(json.dumps(SOUND).encode())
    read(caller.post("/words", packed, once="k", content_encoding="gzip"), 201)
    read(caller.post("/echo", {**SOUND, "word": "b"}, content_encoding="identity"))


def test_a_gzip_bomb_is_not_unpacked(caller: Asking) -> None:
    bomb = gzip.compress(b" " * 80_000_000, compresslevel=9)
    assert len(bomb) < MAX_BODY_BYTES
    tracemalloc.start()
    answer = caller.post("/words", bomb, once="k", content_encoding="gzip")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    read_problem(answer, 413, "body_too_large")
    assert most < 10 * MAX_BODY_BYTES
    assert nothing_changed()


def test_what_is_no_whole_gzip_is_refused(caller: Asking) -> None:
    whole = gzip.compress(json.dumps(SOUND).encode())
    for body in (b"{}", whole[:-5], whole + b"x", whole + whole):
        answer = caller.post("/words", body, once="k", content_encoding="gzip")
        read_problem(answer, 400, "encoding_broken")
    assert nothing_changed()


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x"])
def test_another_encoding_is_refused(caller: Asking, encoding: str) -> None:
    answer = caller.post("/words", SOUND, once="k", content_encoding=encoding)
    read_problem(answer, 415, "encoding_unknown")
    assert answer.headers["Accept-Encoding"] == "gzip"
    assert nothing_changed()


def test_a_body_where_none_is_expected_is_left_aside(caller: Asking) -> None:
    assert read(caller.send("GET", "/nothing", b"whatever"))


def test_nobody_without_a_key_has_a_body_read(client: Client) -> None:
    read_problem(asking(client, "none").post("/words", b"{", once="k"), 401, "key_invalid")
