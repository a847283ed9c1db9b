"""Read the files of this folder."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from selbsthelfer.kit.wording import Words


def read_toml(name: str) -> dict[str, Any]:
    """Read one file of this folder."""
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def read_folder(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read every TOML file of a folder beneath this one, each with its name without the ending."""
    for entry in files(__package__).joinpath(name).iterdir():
        if entry.name.endswith(".toml"):
            yield entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text(encoding="utf-8"))


def words_of(row: Mapping[str, str]) -> Words:
    """Take a text in both languages; raises `KeyError` where one is missing."""
    return Words(row["de"], row["en"])
