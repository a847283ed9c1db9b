"""Do calls to another system together, in threads that touch no database."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

PARALLEL: Final = 16
"""Calls that one worker has going at once."""

Name = TypeVar("Name", bound=Hashable)
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Answers(Generic[Name, Answer]):
    """What calls answered, by name; those that raised are missing."""

    got: dict[Name, Answer] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)

    def raise_first(self) -> None:
        """Raise what the first call raised, if one did: nothing unexpected goes unheard."""
        if self.errors:
            raise self.errors[0]


def do_together(call: Callable[[Asked], Answer], asked: Mapping[Name, Asked]) -> Answers[Name, Answer]:
    """Call for each value, `PARALLEL` at once, and gather what came of it."""
    answers: Answers[Name, Answer] = Answers()
    if not asked:
        return answers
    pool = ThreadPoolExecutor(min(PARALLEL, len(asked)), thread_name_prefix="charging")
    try:
        futures: dict[Name, Future[Answer]] = {
            name: pool.submit(call, value) for name, value in asked.items()
        }
        for name, future in futures.items():
            error = future.exception()
            if error is None:
                answers.got[name] = future.result()
            else:
                answers.errors.append(error)
    finally:
        pool.shutdown(cancel_futures=True)
    return answers
