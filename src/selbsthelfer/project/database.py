"""Which database is used: the one `DATABASE_URL` names, else the embedded server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.conninfo import conninfo_to_dict

SESSION_OPTIONS = "-c timezone=UTC -c jit=off -c temp_buffers=64MB"
"""Just-in-time compilation costs more than it saves on short statements with large plans; the temporary
tables of a batch stay in memory."""

NETWORK_OPTIONS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that vanished without a word is given up after a minute, in seconds but for the last, which is in
milliseconds; one that works on a long statement still answers the network, and sockets of files know none."""

PREPARE_AFTER = 3
"""A statement is planned anew this often before its plan is kept; large ones take milliseconds to plan."""


def database_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Build Django's connection settings; the embedded server is not started here.

    Raises `psycopg.ProgrammingError` when `DATABASE_URL` cannot be read.
    """
    url = environment.get("DATABASE_URL")
    if url:
        return _settings(conninfo_to_dict(url))
    from selbsthelfer.kit import embedded

    return _settings(conninfo_to_dict(embedded.connection_url(embedded.home())))


def _settings(parts: Mapping[str, Any]) -> dict[str, Any]:
    rest = NETWORK_OPTIONS | {
        key: value
        for key, value in parts.items()
        if key not in {"dbname", "user", "password", "host", "port"}
    }
    rest["prepare_threshold"] = PREPARE_AFTER
    rest["options"] = f"{rest.get('options') or ''} {SESSION_OPTIONS}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname") or "selbsthelfer",
        "USER": parts.get("user") or "",
        "PASSWORD": parts.get("password") or "",
        "HOST": parts.get("host") or "",
        "PORT": str(parts.get("port") or ""),
        "CONN_MAX_AGE": None,
        "OPTIONS": rest,
    }
