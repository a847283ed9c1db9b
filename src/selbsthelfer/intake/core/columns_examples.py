"""The column mappings that come with the package: each is a working start for one's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

_FOLDER = "examples"
_ENDING = ".toml"


class UnknownExampleError(ValueError):
    """No mapping of that name comes with the package."""


def example_names() -> list[str]:
    """List the mappings that come with the package."""
    folder = files("selbsthelfer.intake") / _FOLDER
    return sorted(
        entry.name.removesuffix(_ENDING) for entry in folder.iterdir() if entry.name.endswith(_ENDING)
    )


def example_text(name: str) -> str:
    """Return a mapping that comes with the package; raises `UnknownExampleError`."""
    if name not in example_names():
        raise UnknownExampleError(
            f"no mapping “{name}” comes with the package; there are {', '.join(example_names())}"
        )
    return (files("selbsthelfer.intake") / _FOLDER / f"{name}{_ENDING}").read_text(encoding="utf-8")


def description_of(text: str) -> str:
    """Return what the comment at the head of a mapping says."""
    return " ".join(_head(text))


def _head(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line.lstrip("# ").rstrip()
