"""The line of every key of a TOML text, however people lay it out."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.programmes.core.definition_lines import MAX_DEPTH, Path, locate

LAID_OUT = [
    'plain = 1 # [no] = "header"',
    "\"quoted key\" = 'it # is'",
    '\'dotted\' . "k\\u0065y" . x = """',
    "[not a table]",
    'key = "\\\\\\"""""" # five quotes end it',
    'text = """ end """""',
    "literal = '''",
    "\\ [[no]] ''\\'''''",
    "list = [ # comment ]",
    '  1, "a]b",',
    "",
    "  [ 2,",
    '    3 ], { a = 1, b.c = [ "}" ] },',
    "]",
    "[ table . sub ] # comment",
    "when = 1979-05-27 07:32:00Z",
    "table.again = true",
    "[[rows]]",
    "n = 1",
    "[rows.inner]",
    "deep = 1.5",
    "  [[rows]]",
    "",
    "n = 2",
    "[[rows.more]]",
    "z = 1",
    "[[ rows . more ]]",
    "z = 2",
]
EXPECTED: dict[Path, int] = {
    (): 1,
    ("plain",): 1,
    ("quoted key",): 2,
    ("dotted",): 3,
    ("dotted", "key"): 3,
    ("dotted", "key", "x"): 3,
    ("text",): 6,
    ("literal",): 7,
    ("list",): 9,
    ("list", 0): 10,
    ("list", 1): 10,
    ("list", 2): 12,
    ("list", 2, 0): 12,
    ("list", 2, 1): 13,
    ("list", 3): 13,
    ("list", 3, "a"): 13,
    ("list", 3, "b"): 13,
    ("list", 3, "b", "c"): 13,
    ("list", 3, "b", "c", 0): 13,
    ("table",): 15,
    ("table", "sub"): 15,
    ("table", "sub", "when"): 16,
    ("table", "sub", "table"): 17,
    ("table", "sub", "table", "again"): 17,
    ("rows",): 18,
    ("rows", 0): 18,
    ("rows", 0, "n"): 19,
    ("rows", 0, "inner"): 20,
    ("rows", 0, "inner", "deep"): 21,
    ("rows", 1): 22,
    ("rows", 1, "n"): 24,
    ("rows", 1, "more"): 25,
    ("rows", 1, "more", 0): 25,
    ("rows", 1, "more", 0, "z"): 26,
    ("rows", 1, "more", 1): 27,
    ("rows", 1, "more", 1, "z"): 28,
}


def paths(value: object, path: Path = ()) -> list[Path]:
    parts: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    return [path, *(found for part, content in parts for found in paths(content, (*path, part)))]


def test_every_path_is_at_the_line_where_it_is_written() -> None:
    text = "\n".join(LAID_OUT)
    assert set(EXPECTED) == set(paths(tomllib.loads(text)))
    assert locate(text) == EXPECTED
    assert locate("\r\n".join(LAID_OUT)) == EXPECTED


def as_list(items: list[str]) -> str:
    return "[ # [\n" + "".join(f"{item},\n" for item in items) + "]"


def as_table(items: list[str]) -> str:
    return "{" + ", ".join(f'k{place}."]{place}" = {item}' for place, item in enumerate(items)) + "}"


letters = st.text(st.sampled_from('a"\\#[]{}=,.\n é'), max_size=8)
scalars = st.one_of(
    st.integers().map(str),
    st.sampled_from(["true", "1979-05-27T07:32:00.5Z", "07:32:00", "1.5e3", "inf", '"""a"""""', "''''''"]),
    letters.map(json.dumps),
    letters.map("'''{}'''".format),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(as_list), st.lists(inner, max_size=3).map(as_table)
    ),
    max_leaves=6,
)
between = st.sampled_from(["", "\n", "# x = 1\n", "[[t]]\n", "[[t.u]]\n"])


@given(st.lists(st.tuples(between, values), max_size=8))
def test_keys_keep_their_lines_whatever_stands_between_them(written: list[tuple[str, str]]) -> None:
    text, expected = "[[t]]\n", []
    for number, (before, value) in enumerate(written):
        text += before
        expected.append(text.count("\n") + 1)
        text += f"key{number} = {value}\n"
    lines = locate(text)
    assert set(lines) == {path for path in paths(tomllib.loads(text)) if len(path) <= MAX_DEPTH}
    found = {path[-1]: line for path, line in lines.items() if path}
    assert [found[f"key{number}"] for number in range(len(written))] == expected
    assert all(lines[path[:-1]] <= line for path, line in lines.items() if path)
