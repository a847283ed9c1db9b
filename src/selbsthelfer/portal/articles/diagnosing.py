"""The guided diagnosis: a short tree of steps, walked by answers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final

from selbsthelfer.kit.wording import Words
from selbsthelfer.portal.articles.loading import read_toml, words_of

MAX_ANSWERS: Final = 20
"""Answers on one walk; the longest way through the tree is shorter."""

_START: Final = "start"
_BETWEEN: Final = "."


class BrokenWalkError(ValueError):
    """These answers lead nowhere in the tree."""

    code: ClassVar[str] = "broken_walk"


class End(StrEnum):
    """How a walk ends: by asking whether it works now, or with a person."""

    WORKS = "works"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a step and where it leads: another step, or an end."""

    id: str
    to: str
    text: Words


@dataclass(frozen=True, slots=True)
class Step:
    """What to look at or to do; `tried` tells a person that it was done, `task` is an activity that helps."""

    id: str
    title: Words
    text: Words | None
    tried: Words | None
    task: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """Where some answers led: to a step or an end, past the steps answered so far."""

    answers: tuple[str, ...]
    passed: tuple[tuple[Step, Answer], ...]
    step: Step | None
    end: End | None

    @property
    def written(self) -> str:
        """The answers as they stand in an address."""
        return _BETWEEN.join(self.answers)

    @property
    def tried(self) -> tuple[tuple[Words, Words], ...]:
        """What was tried, each with what came of it."""
        return tuple((step.tried, answer.text) for step, answer in self.passed if step.tried is not None)

    @property
    def symptom(self) -> Words | None:
        """What does not work, as first answered."""
        return self.passed[0][1].text if self.passed else None

    def after(self, answer: Answer) -> str:
        """Write the answers with one more."""
        return _BETWEEN.join((*self.answers, answer.id))


def _step(step_id: str, row: Mapping[str, Any]) -> Step:
    return Step(
        id=step_id,
        title=words_of(row["title"]),
        text=words_of(row["text"]) if "text" in row else None,
        tried=words_of(row["tried"]) if "tried" in row else None,
        task=row.get("task"),
        answers=tuple(Answer(a["id"], a["to"], words_of(a["text"])) for a in row["answers"]),
    )


STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {step_id: _step(step_id, row) for step_id, row in read_toml("diagnosis.toml").items()}
)
"""Every step of the tree by its id."""


def walk(written: str) -> Walk:
    """Follow answers as they stand in an address; raises `BrokenWalkError`."""
    answers = written.split(_BETWEEN) if written else []
    if len(answers) > MAX_ANSWERS:
        raise BrokenWalkError("too many answers")
    passed: list[tuple[Step, Answer]] = []
    place = _START
    for answer_id in answers:
        step = STEPS.get(place)
        answer = next((a for a in step.answers if a.id == answer_id), None) if step else None
        if step is None or answer is None:
            raise BrokenWalkError("there is no such answer here")
        passed.append((step, answer))
        place = answer.to
    end = End(place) if place in set(End) else None
    return Walk(tuple(answers), tuple(passed), None if end else STEPS[place], end)


def tried_sentences(walked: Walk) -> Sequence[Words]:
    """Tell a person what was tried and what came of it, a sentence each."""
    symptom = walked.symptom
    told = [] if symptom is None else [Words(f"{symptom.de}.", f"{symptom.en}.")]
    return told + [
        Words(f"{what.de}: {result.de}.", f"{what.en}: {result.en}.") for what, result in walked.tried
    ]
