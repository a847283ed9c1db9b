"""The real call log of a bank, read as if it were a hotline, from its files to what the programme decides.

`python -m tests.intake.real_log URL` runs the whole log into a database made for it and prints the figures.
The activities are made up from a seed, since the bank of 1999 had no self-service that was recorded.
"""

# ruff: noqa: T201 - run by hand, this prints what it finds

from __future__ import annotations

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.intake.importing_support import BANK, Commands, rows

JERUSALEM = ZoneInfo("Asia/Jerusalem")
ENROLLED_AT = datetime(1999, 1, 1, tzinfo=JERUSALEM)
END = datetime(1999, 7, 23, tzinfo=JERUSALEM)
PROGRAMME = "o2-2017"
ACTIVE_SHARE = 0.6
"""Lines that do something themselves in nearly every period; the others never."""
FAILED_SHARE = 0.05

CONTACTS = """
SELECT s.subject, c.id, c.happened_at, c.outcome, c.direction, c.talk_seconds, c.topic
FROM contacts_contact c JOIN subscribers_subscriber s USING (subscriber_id)
ORDER BY s.subject, c.happened_at, c.id
"""
ACTIVITIES = """
SELECT s.subject, a.happened_at, a.succeeded
FROM activities_activity a JOIN subscribers_subscriber s USING (subscriber_id)
"""
NEVER_COUNTING = {"con.option", "fault", "presales", "unclassified"}


@dataclass(frozen=True)
class Contact:
    """A call as it lies in the database."""

    subject: str
    id: str
    happened_at: datetime
    outcome: str
    direction: str
    talk_seconds: int
    topic: str


@dataclass(frozen=True)
class Decided:
    """What the programme decides: code by contact, state by (line, window), volume by (line, index)."""

    codes: dict[str, str | None]
    stages: dict[tuple[str, int], str]
    grants: dict[tuple[str, int], int]


def bank_files(months: Iterable[int]) -> list[Path]:
    """Return the files of the log; some may be missing."""
    paths = [BANK / f"calls-1999-{month:02}.csv.gz" for month in months]
    return [path for path in paths if path.exists()]


def period_start(index: int) -> datetime:
    """Return the start of the n-th period, a month of 1999."""
    return datetime(1999, index, 1, tzinfo=JERUSALEM)


def taking_part(subjects: Sequence[str], periods: int, seed: int) -> Iterator[dict[str, Any]]:
    """Enrol every line, and let some of them view their bill in most periods, which fails now and then."""
    random = Random(seed)
    for subject in subjects:
        data: dict[str, str] = {"programme": PROGRAMME, "variant": "treatment"}
        yield _fact("programme.enrolled", "enrolled", subject, ENROLLED_AT, data)
        is_active = random.random() < ACTIVE_SHARE
        for index in range(1, periods + 1):
            start, end = period_start(index), min(period_start(index + 1), END)
            at = start + timedelta(seconds=random.randrange(int((end - start).total_seconds())))
            outcome = "failed" if random.random() < FAILED_SHARE else "succeeded"
            if is_active and random.random() < 0.9:
                data = {"activity": "bill.view", "outcome": outcome}
                yield _fact("selfservice.finished", f"view-{index}", subject, at, data)


def _fact(kind: str, id_: str, subject: str, at: datetime, data: dict[str, str]) -> dict[str, Any]:
    time = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {"type": kind, "source": "made-up", "id": id_, "subject": subject, "time": time, "data": data}


def write_facts(path: Path, facts: Iterable[dict[str, Any]]) -> Path:
    """Write a file of facts."""
    with path.open("w") as file:
        file.writelines(json.dumps(fact) + "\n" for fact in facts)
    return path


def import_all(
    commands: Commands, url: str, folder: Path, months: Sequence[int], last_digits: str = "0123456789"
) -> dict[str, dict[str, Any]]:
    """Import lines, calls, enrolments and activities as one history, twice; return what each command said.

    Only lines whose number ends with one of the digits take part.
    """
    files, told = bank_files(months), {}
    refusals = ("--rejects", folder / "rejects.jsonl", "--json")
    lines, calls = folder / "lines.jsonl", folder / "calls.jsonl"
    for kind, mapping, path in (
        ("subscribers", "bank-subscribers", lines),
        ("contacts", "bank-calls", calls),
    ):
        arguments = ("import", kind, *files, "--columns", mapping, "--facts-to", path, *refusals)
        told[f"convert {kind}"] = commands.run(url, *arguments).summary
    for path in (lines, calls):
        _keep_lines(path, last_digits)
    subjects = [json.loads(line)["subject"] for line in lines.read_text().splitlines()]
    part = write_facts(folder / "part.jsonl", taking_part(sorted(subjects), max(months), seed=1999))
    for name in ("import", "import again"):
        told[name] = commands.run(url, "import", "facts", lines, calls, part, *refusals).summary
    return told


def _keep_lines(path: Path, last_digits: str) -> None:
    kept = [
        line
        for line in path.read_text().splitlines(keepends=True)
        if json.loads(line)["subject"][-1] in last_digits
    ]
    path.write_text("".join(kept))


def import_apart(
    commands: Commands, url: str, folder: Path, months: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Import lines and calls one after the other, without a programme, twice."""
    files, told = bank_files(months), {}
    refusals = ("--rejects", folder / "rejects.jsonl", "--json")
    for kind, mapping in (("subscribers", "bank-subscribers"), ("contacts", "bank-calls")):
        for name in (kind, f"{kind} again"):
            arguments = ("import", kind, *files, "--columns", mapping, *refusals)
            told[name] = commands.run(url, *arguments).summary
    return told


def contacts_of(url: str) -> list[Contact]:
    """Read every contact, by line and time."""
    return [Contact(*row) for row in rows(url, CONTACTS)]


def expected(url: str, now: datetime) -> Decided:
    """Decide anew from the rows, by the plain words of the rules that this data can touch."""
    by_line: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts_of(url):
        if contact.happened_at <= now:
            by_line[contact.subject].append(contact)
    done: dict[str, list[datetime]] = defaultdict(list)
    failed: dict[str, list[datetime]] = defaultdict(list)
    for subject, at, succeeded in rows(url, ACTIVITIES):
        (done if succeeded else failed)[subject].append(at)
    decided = Decided({}, {}, {})
    for (subject,) in rows(url, "SELECT subject FROM subscribers_subscriber"):
        calls = by_line[subject]
        codes = {
            call.id: _code(call, calls, failed[subject]) for call in calls if call.happened_at >= ENROLLED_AT
        }
        decided.codes.update({f"{subject} {id_}": code for id_, code in codes.items()})
        counting = {_window(call.happened_at) for call in calls if codes.get(call.id, "before") is None}
        _decide_line(subject, {_index(at) for at in done[subject]}, counting, now, decided)
    return decided


def _code(call: Contact, calls: Sequence[Contact], failures: Sequence[datetime]) -> str | None:
    if call.direction != "inbound":
        return "operator_initiated"
    if call.outcome != "answered" or call.talk_seconds < 30:
        return "not_served"
    if call.topic in NEVER_COUNTING:
        return call.topic
    if any(timedelta() <= call.happened_at - at <= timedelta(hours=72) for at in failures):
        return "selfservice_failed"
    for other in calls:
        is_before = (other.happened_at, other.id) < (call.happened_at, call.id)
        is_near = call.happened_at - other.happened_at <= timedelta(days=7)
        if is_before and is_near and other.topic == call.topic and other.outcome != "abandoned":
            return "repeat"
    return None


def _decide_line(subject: str, active: set[int], counting: set[int], now: datetime, decided: Decided) -> None:
    for window in (1, 2, 3):
        end = period_start(3 * window + 1)
        passes = window not in counting and any((index + 2) // 3 == window for index in active)
        state = "open" if now < end else "passed" if passes else "missed"
        decided.stages[subject, window] = state
        if state == "passed":
            paid = [index for index in active if (index + 2) // 3 == window + 1]
            decided.grants.update({(subject, index): window * 100_000_000 for index in paid})


def _index(at: datetime) -> int:
    return at.astimezone(JERUSALEM).month


def _window(at: datetime) -> int:
    return (_index(at) + 2) // 3


def found(url: str, now: datetime) -> Decided:
    """Read what the programme says of every line, as known then; Django must use this database."""
    from django.db import transaction

    from selbsthelfer.kit.sql import open_cursor
    from selbsthelfer.programmes.queries import enrolled_lines, standings

    decided = Decided({}, {}, {})
    with transaction.atomic():
        cursor = open_cursor()
        for page in list(enrolled_lines(cursor)):
            subjects: dict[UUID, str] = {line: subject for subject, line in page}
            told = standings(cursor, list(subjects), now=now)
            for contact in told.contacts:
                decided.codes[f"{subjects[contact.subscriber_id]} {contact.id}"] = contact.code
            for stage in told.stages:
                decided.stages[subjects[stage.subscriber_id], stage.window] = str(stage.state)
            for release in told.releases:
                decided.grants[subjects[release.subscriber_id], release.index] = release.bytes
    return decided


def use_database(url: str) -> None:
    """Let Django use a database."""
    os.environ["DATABASE_URL"] = url
    from selbsthelfer.cli.connecting import set_up

    set_up()


def tell(url: str, decided: Decided) -> Iterator[str]:
    """Say in figures what was decided, and of the ten busiest callers in detail."""
    yield f"contacts by code: {Counter(code or 'counts' for code in decided.codes.values()).most_common()}"
    for window in (1, 2, 3):
        states = Counter(state for (_, nth), state in decided.stages.items() if nth == window)
        yield f"stage {window}: {dict(states)}"
    for index in sorted({index for _, index in decided.grants}):
        volumes = [volume for (_, nth), volume in decided.grants.items() if nth == index]
        yield f"grants of index {index}: {len(volumes)}, {sum(volumes) / 1e9:.1f} GB"
    contacts: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts_of(url):
        contacts[contact.subject].append(contact)
    for subject in sorted(contacts, key=lambda subject: -len(contacts[subject]))[:10]:
        codes = Counter(
            decided.codes.get(f"{subject} {c.id}", "before") or "counts" for c in contacts[subject]
        )
        stages = ", ".join(decided.stages[subject, window] for window in (1, 2, 3))
        yield f"{subject}: {len(contacts[subject])} calls, {dict(codes.most_common())}, stages {stages}"


def differences(url: str) -> tuple[Decided, list[str]]:
    """Read what the programme says and name where it is not what the rules say."""
    use_database(url)
    decided, awaited = found(url, END), expected(url, END)
    different = []
    for name in ("codes", "stages", "grants"):
        ours, theirs = getattr(awaited, name), getattr(decided, name)
        wrong = sorted(
            key for key in ours.keys() | theirs.keys() if ours.get(key, "-") != theirs.get(key, "-")
        )
        print(f"{name}: {len(theirs)} found, {len(wrong)} differ")
        different += [f"{name} {key}: {theirs.get(key, '-')}, not {ours.get(key, '-')}" for key in wrong]
    return decided, different


def main(url: str, *options: str) -> int:
    """Import the log, decide, compare, and print the figures.

    `apart` imports lines and calls without a programme; `digits=7` lets only a tenth of the lines take part.
    """
    months = range(1, 8)
    with TemporaryDirectory() as folder, Commands(Path(folder)) as commands:
        if "apart" in options:
            told = import_apart(commands, url, Path(folder), months)
        else:
            digits = [option.removeprefix("digits=") for option in options if option.startswith("digits=")]
            told = import_all(commands, url, Path(folder), months, *digits)
    for name, summary in told.items():
        print(f"{name}: {json.dumps({key: value for key, value in summary.items() if value})}")
    if "apart" in options:
        return 0
    decided, different = differences(url)
    for line in (*tell(url, decided), *different):
        print(line)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
