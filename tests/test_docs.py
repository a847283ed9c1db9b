"""What the documents say is there: links, rooms, commands, targets, settings and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from selbsthelfer.cli.main import app
from selbsthelfer.programmes.core.definition_settings import SETTINGS
from selbsthelfer.programmes.core.definition_tables import Need, Setting

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "selbsthelfer"
MAX_README_LINES = 120

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)", re.DOTALL)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
COMMAND = re.compile(r"\bselbsthelfer (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)?)(?P<rest>[^\n`|]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
TARGET = re.compile(r"(?:`|^)make (?P<target>[a-z]+)|\b(?:=\d+ )make (?P<effort>[a-z]+)", re.MULTILINE)
LIMIT = re.compile(r"(?P<before>.*?)\(`(?P<name>[A-Z][A-Z_]+)`\)")
NUMBER = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)(?:\s+(?P<unit>[A-Za-z]+))?")
UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
PERIODS = {"days", "hours", "minutes"}


def documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *SOURCE.rglob("*.md"), *ROOT.glob("bench/*.md")]
    return sorted(found)


def rooms() -> list[Path]:
    return sorted(path.parent for path in SOURCE.glob("*/__init__.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchor_of(heading: str) -> str:
    """Make the anchor that a heading gets when it is shown."""
    text = LINK.sub(lambda match: match.group().partition("]")[0][1:], heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for match in LINK.finditer(FENCE.sub("", read(path))):
        target, _, anchor = match["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (path.parent / target).resolve() if target else path
        is_there = file.exists()
        if is_there and anchor:
            is_there = anchor in {anchor_of(heading["text"]) for heading in HEADING.finditer(read(file))}
        if not is_there:
            broken.append(match["target"])
    assert broken == []


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_every_room_has_a_readme_that_is_linked(room: Path) -> None:
    assert (room / "README.md").is_file()
    assert f"src/selbsthelfer/{room.name}/README.md" in read(ROOT / "README.md")


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_a_room_names_only_files_that_it_has(room: Path) -> None:
    named = re.findall(r"`([\w./*]+\.(?:py|sql|toml|html|css))`", read(room / "README.md"))
    missing = [name for name in named if not list(room.glob(name)) and not list(room.glob(f"*/{name}"))]
    assert missing == []


def test_the_first_page_is_short() -> None:
    assert len(read(ROOT / "README.md").splitlines()) <= MAX_README_LINES


def commands_in(text: str) -> Iterator[tuple[list[str], str]]:
    for match in COMMAND.finditer(text):
        yield match["words"].split(), match["rest"]


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_command_exists_with_its_options(path: Path) -> None:
    unknown = []
    for words, rest in commands_in(read(path)):
        command = find_command(words)
        if command is None:
            unknown.append(" ".join(words))
            continue
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        unknown += [f"{words} {option}" for option in OPTION.findall(rest) if option not in options]
    assert unknown == []


def find_command(words: list[str]) -> typer.core.TyperCommand | typer.core.TyperGroup | None:
    """Find the command of one or two words; the second one may be an argument."""
    root = get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    first = root.commands.get(words[0])
    if isinstance(first, typer.core.TyperGroup) and len(words) > 1:
        return first.commands.get(words[1])  # type: ignore[return-value]
    return first  # type: ignore[return-value]


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_every_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {match["target"] or match["effort"] for match in TARGET.finditer(read(path))}
    assert named <= targets


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_limits_are_those_of_the_code(room: Path) -> None:
    text = " ".join(read(room / "README.md").split())
    start = max(text.rfind("**Limits.**"), text.rfind("Limits:"), text.rfind("## Limits"), 0)
    told = None
    for match in LIMIT.finditer(text[start:]):
        numbers = [amount(number) for number in NUMBER.finditer(match["before"])]
        told = numbers[-1] if numbers else told
        values = constants_of(room, match["name"])
        assert values, f"{room.name} has no {match['name']}"
        assert told in values, f"{match['name']} is {values}, not {told}"


def amount(match: re.Match[str]) -> Decimal | timedelta:
    number, unit = Decimal(match["number"].replace(",", "")), match["unit"]
    if unit in PERIODS:
        return timedelta(**{unit: float(number)})
    return number * UNITS.get(unit, 1)


def constants_of(room: Path, name: str) -> list[object]:
    """Find the values of a constant of a room; a duration told in hours may be kept as their number."""
    values: list[object] = []
    for path in sorted(room.rglob("*.py")):
        if re.search(rf"^{name}(?:: [^=]+)? = ", read(path), re.MULTILINE):
            module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
            value = getattr(import_module(module), name)
            values.append(value)
            if name.endswith("_HOURS"):
                values.append(timedelta(hours=value))
    return values


def test_every_setting_of_a_programme_is_described_with_its_default() -> None:
    text = read(ROOT / "docs" / "how-to" / "write-a-programme.md")
    text = text.partition("\n## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+?) \|[^|]+\| ([^|]+) \|", text, re.MULTILINE)
    described = {name: default for names, default in rows for name in re.findall(r"`([^`]+)`", names)}
    assert described.keys() == {name for name, _ in settings()}
    for name, setting in settings():
        default = described[name].strip('`"')
        if isinstance(setting.default, Need):
            assert (default == "required") == (setting.default is Need.REQUIRED)
        elif isinstance(setting.default, str | int):
            assert default in {str(setting.default).lower(), "empty" if setting.default == "" else None}


def settings() -> Iterator[tuple[str, Setting]]:
    """Name every setting as it is written, those in tables with a dot."""
    for name, setting in SETTINGS.settings.items():
        members = getattr(setting.kind, "settings", None)
        if members is None:
            yield name, setting
        else:
            yield from ((f"{name}.{member}", inner) for member, inner in members.items())


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    assert re.findall(r"\(([0-9][^)]+\.md)\)", read(folder / "README.md")) == files
    for name in files:
        text = read(folder / name)
        assert text.startswith(f"# {int(name[:4])}. ")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences"))


def test_every_row_of_the_bench_that_is_explained_is_measured() -> None:
    text = read(ROOT / "docs" / "how-to" / "read-the-bench.md").partition("| row |")[2]
    named = re.findall(r"^\| ([a-z][^|]+?) \|", text, re.MULTILINE)
    measured = "".join(read(path) for path in (ROOT / "bench").glob("*.py"))
    assert len(named) > 5
    assert [name for name in named if name not in measured] == []
