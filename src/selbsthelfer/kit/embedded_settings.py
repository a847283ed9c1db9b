"""The configuration file of an embedded server, sized for the machine it starts on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from selbsthelfer.kit.embedded_layout import PORT, Layout

MIB = 1024 * 1024
MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where a container is told how much of the machine's memory is its own, in either version of cgroups."""

THROW_AWAY: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
}
"""What a server without a future does without. Dropping a table searches all buffers, so tests want few."""


def write_settings(layout: Layout, options: Mapping[str, str]) -> None:
    """Replace the configuration file by ours with `options` on top; it holds no secret."""
    settings = {**_settings(layout), **options}
    lines = [f"{name} = {_quoted(value)}\n" for name, value in settings.items()]
    text = "# Written at every start.\n" + "".join(lines)
    if (
        layout.settings.exists()
        and layout.settings.read_text(encoding="utf-8", errors="surrogateescape") == text
    ):
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{layout.settings.name}-", dir=layout.home)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            os.fchmod(descriptor, 0o644)
            file.write(text)
        Path(name).replace(layout.settings)
    except OSError:
        Path(name).unlink()
        raise


def memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in MEMORY_LIMITS:
        try:
            memory = min(memory, int(limit.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return memory


def _settings(layout: Layout) -> dict[str, str]:
    """Return the settings of a server that keeps its data and shares the machine with what it serves."""
    memory_mib = memory_bytes() // MIB
    disk_mib = shutil.disk_usage(layout.home).total // MIB
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(layout.socket_directory),
        "unix_socket_permissions": "0700",
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_buffers": f"{_between(128, memory_mib // 4, 4096)}MB",
        "effective_cache_size": f"{_between(128, memory_mib // 2, 1024 * 1024)}MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "checkpoint_timeout": "15min",
        "max_wal_size": f"{_between(1024, disk_mib // 10, 8192)}MB",
        "wal_compression": "pglz",  # the wheel's PostgreSQL is built without lz4 and zstd
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "default_text_search_config": "pg_catalog.simple",
    }


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
