"""Which back end is asked: chosen by the environment, or for a while by a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module

from selbsthelfer.selfservice.back_end import BackEnd
from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd

_chosen: list[BackEnd] = []


class BackEndMisconfiguredError(RuntimeError):
    """The environment names no back end that exists, or too little about it."""

    code = "back_end_misconfigured"


def the_back_end() -> BackEnd:
    """Give the back end that `SELBSTHELFER_BACK_END` names, `embedded` unless said.

    `tmf` needs `SELBSTHELFER_BACK_END_URL` and `SELBSTHELFER_BACK_END_TOKEN`. Any other name is that of an
    operator's own adapter, as `package.module:Class`; it is made without arguments.
    Raises `BackEndMisconfiguredError`.
    """
    if _chosen:
        return _chosen[-1]
    environment = os.environ
    return _built(
        environment.get("SELBSTHELFER_BACK_END") or EmbeddedBackEnd.name,
        environment.get("SELBSTHELFER_BACK_END_URL", ""),
        environment.get("SELBSTHELFER_BACK_END_TOKEN", ""),
    )


@contextmanager
def use_back_end(back_end: BackEnd) -> Iterator[None]:
    """Have this back end asked, by every thread, until the block is left."""
    _chosen.append(back_end)
    try:
        yield
    finally:
        _chosen.remove(back_end)


@lru_cache(maxsize=4)
def _built(name: str, url: str, token: str) -> BackEnd:
    if name == EmbeddedBackEnd.name:
        return EmbeddedBackEnd()
    if ":" in name:
        return _own(name)
    if name != "tmf":
        raise BackEndMisconfiguredError(
            f"SELBSTHELFER_BACK_END is “{name}”; it may be “embedded”, “tmf” or “package.module:Class”"
        )
    if not url:
        raise BackEndMisconfiguredError("the back end “tmf” needs SELBSTHELFER_BACK_END_URL")
    from selbsthelfer.selfservice.tmf.adapter import TmfBackEnd
    from selbsthelfer.selfservice.tmf.calling import BackEndAddressError

    try:
        return TmfBackEnd(url, token=token)
    except BackEndAddressError as error:
        raise BackEndMisconfiguredError(str(error)) from error


def _own(name: str) -> BackEnd:
    """Make an operator's own adapter."""
    module, _, class_name = name.partition(":")
    try:
        made: BackEnd = getattr(import_module(module), class_name)()
    except (ImportError, AttributeError) as error:
        raise BackEndMisconfiguredError(f"SELBSTHELFER_BACK_END names no class: {error}") from error
    return made
