"""A file that another program appends to and rotates: no whole line is lost or given twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PosixPath
from random import Random

import pytest

from selbsthelfer.intake.following_files import MAX_READ_BYTES, GrowingFile
from selbsthelfer.intake.importing_files import UnreadableFileError


def read_while(path: Path, steps: list[Callable[[], object]]) -> list[str]:
    """Follow a file while each step is done as soon as nothing more is there; return all lines."""
    waiting = iter(steps)

    def rest() -> bool:
        step = next(waiting, None)
        if step is not None:
            step()
        return step is not None

    with GrowingFile(path) as file:
        return list(file.lines(rest))


def appending(path: Path, text: str) -> Callable[[], object]:
    def append() -> None:
        with path.open("a") as file:
            file.write(text)

    return append


def test_a_line_is_given_when_its_end_is_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\ntw")
    steps = [appending(path, "o"), appending(path, "\nthree\n"), appending(path, "four")]
    assert read_while(path, steps) == ["one\n", "two\n", "three\n"]


def test_after_a_rotation_the_old_file_is_read_to_its_end(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    path.write_text("one\n")
    steps = [
        lambda: path.rename(old),
        appending(old, "two\n"),  # its writer has not heard of it yet
        lambda: path.touch(),
        appending(old, "three\n"),
        lambda: (appending(old, "four\n")(), appending(path, "five\n")()),
        appending(path, "six\n"),
    ]
    assert read_while(path, steps) == [f"{word}\n" for word in ("one", "two", "three", "four", "five", "six")]


def test_a_file_that_was_cut_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\ntwo\nunfin")
    steps = [lambda: path.write_text(""), appending(path, "three\n"), lambda: path.write_text("4\n")]
    assert read_while(path, steps) == ["one\n", "two\n", "three\n", "4\n"]


def test_lines_are_counted_in_the_file_that_has_them(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\ntwo\n")
    steps = iter([lambda: path.rename(tmp_path / "log.1"), appending(path, "three\n")])

    def rest() -> bool:
        step = next(steps, None)
        return step is not None and (step() or True)

    with GrowingFile(path) as file:
        assert [(file.line, line) for line in file.lines(rest)] == [
            (1, "one\n"),
            (2, "two\n"),
            (1, "three\n"),
        ]


def test_what_never_ends_is_given_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("x" * (2 * MAX_READ_BYTES + 5) + "\none\n")
    *pieces, last = read_while(path, [])
    assert last == "one\n"
    assert max(map(len, pieces)) <= 2 * MAX_READ_BYTES + 1


def test_bytes_that_are_no_text_hinder_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe\none\n")
    assert read_while(path, [])[1] == "one\n"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no such file"):
        GrowingFile(tmp_path / "log")
    path = tmp_path / "log"
    path.write_text("one\n")

    def replace_by_a_folder() -> None:
        path.rename(tmp_path / "log.1")
        path.mkdir()
        (path / "inside").touch()

    with pytest.raises(UnreadableFileError):
        read_while(path, [replace_by_a_folder])


class GoneAfterALook(PosixPath):
    """A file that is rotated away between being looked at and being opened, once `is_armed`."""

    is_armed = False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        there = super().stat(follow_symlinks=follow_symlinks)
        if self.is_armed:
            self.is_armed = False
            self.rename(self.with_name("log.2"))
        return there


def test_a_new_file_that_is_gone_again_is_waited_for(tmp_path: Path) -> None:
    path = GoneAfterALook(tmp_path / "log")
    path.write_text("one\n")

    def rotate_twice() -> None:
        path.rename(tmp_path / "log.1")
        path.write_text("nobody was there\n")
        path.is_armed = True

    assert read_while(path, [rotate_twice, appending(path, "two\n")]) == ["one\n", "two\n"]
    assert (tmp_path / "log.2").exists()


def test_any_growth_and_any_rotation_give_every_line_once(tmp_path: Path) -> None:
    random = Random(11)
    text = "".join(f"{n:05d} {'x' * random.randrange(60)}\n" for n in range(800))
    path = tmp_path / "log"
    path.touch()
    live, at, rotations = path, 0, 0
    steps: list[Callable[[], object]] = []
    while at < len(text):
        end = min(len(text), at + random.randrange(1, 400))
        is_last_of_old = live is not path and random.random() < 0.5
        if is_last_of_old:  # a writer ends its line before it goes on in the new file
            end = text.index("\n", end - 1) + 1
        steps.append(appending(live, text[at:end]))
        at = end
        if is_last_of_old:
            live = path
        elif live is path and random.random() < 0.2:
            rotations += 1
            live = tmp_path / f"log.{rotations}"
            steps.append(lambda to=live: path.rename(to))
    assert rotations > 10
    assert "".join(read_while(path, steps)) == text
