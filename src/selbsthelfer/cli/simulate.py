"""The commands that play an operator's systems on this machine, to try the adapters over HTTP."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from secrets import token_urlsafe
from signal import SIGTERM, signal
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

import typer
from django.db import connections

from selbsthelfer.cli.telling import connected, refuse

if TYPE_CHECKING:
    from selbsthelfer.charging.simulator import Simulator

TOKEN_VARIABLE: Final = "SELBSTHELFER_BACK_END_TOKEN"  # noqa: S105

CHARGING_PREFIX: Final = "SELBSTHELFER_CHARGING"
CHARGING_USER: Final = "selbsthelfer"
MAX_ACCOUNTS: Final = 1_000_000
MAX_ACCOUNTS_BYTES: Final = 100_000_000

app = typer.Typer(help="Play other systems on this machine, to try things.", no_args_is_help=True)


@app.callback()
def simulate() -> None:
    """Play other systems on this machine, to try things."""


@app.command("back-end")
def back_end(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 is any.")] = 8650,
) -> None:
    """Serve the embedded back end in the manner of TM Forum, on loopback only, until Ctrl-C."""
    token = os.environ.get(TOKEN_VARIABLE) or token_urlsafe(16)
    with connected():
        # These name tables, which exist when the settings are loaded.
        from selbsthelfer.selfservice.embedded.back_end import EmbeddedBackEnd
        from selbsthelfer.selfservice.tmf.serving import HOST, closing_connections, make_server
        from selbsthelfer.selfservice.tmf.simulator import Simulator

        simulator = Simulator(EmbeddedBackEnd(), token=token)
        connections.close_all()
        try:
            server = make_server(closing_connections(simulator), port)
        except OSError:
            refuse(f"Port {port} is taken; choose another with --port.")
        typer.echo("A back end is played (Ctrl-C stops it). Elsewhere on this machine, set")
        typer.echo("export SELBSTHELFER_BACK_END=tmf")
        typer.echo(f"export SELBSTHELFER_BACK_END_URL=http://{HOST}:{server.server_port}")
        typer.echo(f"export {TOKEN_VARIABLE}={token}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            simulator.close()
        finally:
            server.server_close()


@app.command("charging")
def charging(
    profile: Annotated[str, typer.Option(help="The system to play: tmf654, sigscale or cgrates.")],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 is any.")] = 8660,
    folder: Annotated[Path | None, typer.Option(help="Keep what it has here, beyond its own end.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="KIND=SHARE, as timeout_after=0.05; “read:KIND” strikes questions. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed strikes the same credits.")] = 0,
    accounts: Annotated[Path | None, typer.Option(help="A file of known accounts, one a line.")] = None,
    any_account: Annotated[bool, typer.Option("--any-account", help="Know any account (default).")] = False,
    synced: Annotated[bool, typer.Option("--synced", help="Outlive a power cut, not only a kill.")] = False,
) -> None:
    """Play a charging system with its traps, on loopback only, until Ctrl-C."""
    from selbsthelfer.charging.simulator.faults import FaultError
    from selbsthelfer.charging.simulator.running import ProfileError, make_simulator

    if any_account and accounts is not None:
        refuse("Choose one of --accounts and --any-account.")
    shares = _read_shares(fault or [])
    known = None if accounts is None else _read_accounts(accounts)
    authorization, secrets = charging_secrets(profile)
    try:
        simulator = make_simulator(
            profile,
            port=port,
            folder=folder,
            faults=shares,
            seed=seed,
            accounts=known,
            authorization=authorization,
            is_synced=synced,
        )
    except (ProfileError, FaultError, ValueError) as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"It cannot be played at port {port} with that folder: {error.strerror}.")
    _tell_of(simulator, secrets)
    _until_stopped(simulator)


def _read_shares(texts: list[str]) -> dict[str, float]:
    shares = {}
    for text in texts:
        kind, _, share = text.partition("=")
        try:
            shares[kind] = float(share)
        except ValueError:
            refuse(f"--fault: “{text}” is not like timeout_after=0.05")
    return shares


def _read_accounts(path: Path) -> list[str]:
    """Read the accounts that are known, one a line."""
    try:
        if path.stat().st_size > MAX_ACCOUNTS_BYTES:
            refuse(f"{path} is larger than {MAX_ACCOUNTS_BYTES:,} bytes.")
        found = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{path} cannot be read: {error}.")
    if len(found) > MAX_ACCOUNTS:
        refuse(f"{path} has more than {MAX_ACCOUNTS:,} accounts.")
    return found


def charging_secrets(profile: str) -> tuple[str, dict[str, str]]:
    """Give the header that is demanded, and the settings to sign in by: those of here, or new ones."""
    if profile == "tmf654":
        token = os.environ.get(f"{CHARGING_PREFIX}_TOKEN") or token_urlsafe(16)
        return f"Bearer {token}", {"TOKEN": token}
    user = os.environ.get(f"{CHARGING_PREFIX}_USER") or CHARGING_USER
    password = os.environ.get(f"{CHARGING_PREFIX}_PASSWORD") or token_urlsafe(16)
    code = b64encode(f"{user}:{password}".encode()).decode("ascii")
    found = {"USER": user, "PASSWORD": password}
    return f"Basic {code}", {**found, "TENANT": "cgrates.org"} if profile == "cgrates" else found


def _tell_of(simulator: Simulator, secrets: dict[str, str]) -> None:
    typer.echo("A charging system is played (Ctrl-C stops it). Elsewhere on this machine, set")
    typer.echo(f"export {CHARGING_PREFIX}={simulator.profile.name}")
    typer.echo(f"export {CHARGING_PREFIX}_URL={simulator.url}")
    for name, value in secrets.items():
        typer.echo(f"export {CHARGING_PREFIX}_{name}={value}")


def _until_stopped(simulator: Simulator) -> None:
    stopped = Event()
    signal(SIGTERM, lambda *_: stopped.set())
    with simulator:
        try:
            stopped.wait()
        except KeyboardInterrupt:
            stopped.set()
