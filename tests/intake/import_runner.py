"""Run commands, each in a process of its own, without waiting a second for Python to load everything.

Reads one order a line from standard input and answers with two lines: the process id, and how it ended.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from contextlib import redirect_stdout
from typing import Any


def main() -> None:
    """Serve orders until the input ends."""
    _load()
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            _run(order)
        print(process, flush=True)  # noqa: T201
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _load() -> None:
    """Load what every command needs, without a connection to any database."""
    os.environ["DATABASE_URL"] = "postgresql://nobody@/nowhere"
    from selbsthelfer.cli import connecting
    from selbsthelfer.cli.main import app

    connecting.set_up()
    from django.db.migrations.loader import MigrationLoader

    MigrationLoader(None)
    with redirect_stdout(io.StringIO()):
        app(["import", "mappings"], standalone_mode=False)  # the first command makes typer load its rest


def _run(order: dict[str, Any]) -> None:
    """Become the command, and end with it."""
    code: Any = 1
    try:
        _command(order)
    except SystemExit as ending:
        code = ending.code or 0
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(order: dict[str, Any]) -> None:
    from django.db import connection

    from selbsthelfer.cli.main import app
    from selbsthelfer.project.database import database_settings

    for name, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ["DATABASE_URL"] = order["url"]
    connection.settings_dict.update(database_settings(os.environ))
    app(order["arguments"])


if __name__ == "__main__":
    main()
