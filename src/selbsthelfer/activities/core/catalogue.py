"""The self-service activities that exist and how often each may count."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Any


class CountingClass(StrEnum):
    """How often a success of one kind of activity counts for a reward."""

    NEVER = "never"
    ONCE = "once"
    ONCE_PER_PERIOD = "once_per_period"
    ONCE_PER_183_DAYS = "once_per_183_days"
    ALWAYS = "always"


class Place(StrEnum):
    """Where the work of an activity is done: in this system, behind the port, or only read."""

    HERE = "here"
    BACK_END = "back_end"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class Activity:
    """One kind of self-service; `login` is the least sign-in, `online` says that the portal does it."""

    id: str
    german: str
    english: str
    login: int
    counting_class: CountingClass
    place: Place
    online: bool


def _activity(activity_id: str, row: Mapping[str, Any]) -> Activity:
    return Activity(
        id=activity_id,
        **{**row, "counting_class": CountingClass(row["counting_class"]), "place": Place(row["place"])},
    )


def _read_catalogue() -> Mapping[str, Activity]:
    text = files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return MappingProxyType({key: _activity(key, row) for key, row in tomllib.loads(text).items()})


CATALOGUE: Mapping[str, Activity] = _read_catalogue()
"""Every activity by its id, in the order of the file."""
