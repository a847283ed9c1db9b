"""How often a sender that is frozen sends after its deadline: `python -m tests.charging.faults.freezing`.

No client can look at the clock and send in one step. A child sends in 16 threads, each request with a
deadline of its own; it is frozen at random instants for longer than that. A server in this process notes when
bodies came.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Lock
from typing import Final

import typer

from selbsthelfer.charging.adapters.calling import Caller, NoAnswerError, NotSentError, Request
from selbsthelfer.charging.simulator.wire import Connection, Reply, Server
from selbsthelfer.charging.simulator.wire import Request as Received
from selbsthelfer.charging.together import PARALLEL

DEADLINE_SECONDS: Final = 0.15
SLACK_SECONDS: Final = 0.06
"""What the server may be late in noting."""


def main() -> None:
    """Freeze the sender so often, and print how many requests came after their deadline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freezes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long each lasts; 0 for comparison")
    parser.add_argument("--send-to", help="be the child that sends to this address")
    asked = parser.parse_args()
    if asked.send_to:
        _send(asked.send_to)
        return
    late, lock, count = [0.0], Lock(), [0]

    def serve(connection: Connection, request: Received) -> None:
        over = time.monotonic() - float(request.body)
        with lock:
            count[0] += 1
            if over > SLACK_SECONDS:
                late.append(over)
        connection.write(Reply(200).encoded())

    server = Server(serve, 0)
    server.start()
    command = [sys.executable, "-m", __spec__.name, "--send-to", f"http://127.0.0.1:{server.port}"]
    with subprocess.Popen(command) as child:
        time.sleep(2)
        random = Random(1)
        for _ in range(asked.freezes):
            time.sleep(random.uniform(0.05, 0.15))
            child.send_signal(signal.SIGSTOP)
            time.sleep(asked.seconds)
            child.send_signal(signal.SIGCONT)
        child.kill()
    server.close()
    typer.echo(f"{asked.freezes} freezes, {count[0]:,} requests, {len(late) - 1} after their deadline")


def _send(url: str) -> None:
    caller = Caller(url, authorization="", timeout_seconds=2)

    def go_on(_: int) -> None:
        while True:
            deadline = time.monotonic() + DEADLINE_SECONDS
            try:
                caller.send(Request("POST", ("x",), str(deadline).encode()), deadline=deadline)
            except (NotSentError, NoAnswerError):
                time.sleep(0.01)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(go_on, range(PARALLEL)))


if __name__ == "__main__":
    main()
