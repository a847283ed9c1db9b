"""Send facts over kept connections as fast as they are answered, in a process that does little else.

A request goes out on a connection as soon as the one before is answered, so there are as many in flight as
connections. What was seen goes to standard output as JSON; the share of a processor that sending took, too,
because it is missing to the server on a small machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

ACTIVITIES = ("use.view", "bill.view", "call.block", "con.view", "call.forward", "bill.explain")
KEY_VARIABLE = "BENCH_KEY"
MAX_ANSWER_BYTES = 4_000_000


@dataclass(slots=True)
class _Connection:
    """One connection with the request that is under way on it."""

    socket: socket.socket
    began: float = 0.0
    answer: bytes = b""


class _Sender:
    """Makes requests of `batch` facts each, about lines taken at random."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._random = random.Random(asked.prefix)
        self._asked = asked
        self._run = uuid4().hex[:12]
        self._number = 0
        kind = "cloudevents-batch+json" if asked.batch > 1 else "cloudevents+json"
        self._head = (
            "POST /api/v1/facts HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {os.environ[KEY_VARIABLE]}\r\n"
            f"Content-Type: application/{kind}\r\nContent-Length: "
        ).encode()

    def request(self) -> bytes:
        facts = [self._fact() for _ in range(self._asked.batch)]
        body = (f"[{','.join(facts)}]" if self._asked.batch > 1 else facts[0]).encode()
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def _fact(self) -> str:
        self._number += 1
        line = f"{self._asked.prefix}{self._random.randrange(self._asked.lines):06d}"
        return (
            f'{{"specversion":"1.0","id":"{self._run}-{self._number}","source":"/app","type":"selfservice.finished",'
            f'"subject":"{line}","time":"{datetime.now(UTC).isoformat()}",'
            f'"data":{{"activity":"{self._random.choice(ACTIVITIES)}","outcome":"succeeded"}}}}'
        )


def main() -> None:
    """Warm up, measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--warm-seconds", type=float, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    asked = parser.parse_args()
    sender, selector = _Sender(asked), selectors.DefaultSelector()
    for _ in range(asked.connections):
        opened = socket.create_connection(("127.0.0.1", asked.port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(opened, selectors.EVENT_READ, _Connection(opened))
    for key in list(selector.get_map().values()):
        _send(sender, key.data)
    _drive(sender, selector, asked.warm_seconds)
    used, began = time.process_time(), time.perf_counter()
    took = _drive(sender, selector, asked.seconds)
    elapsed, used = time.perf_counter() - began, time.process_time() - used
    took.sort()
    json.dump(
        {
            "facts_per_second": len(took) * asked.batch / elapsed,
            "p50_ms": took[len(took) // 2] * 1e3,
            "p99_ms": took[len(took) * 99 // 100] * 1e3,
            "cpu_share": used / elapsed,
        },
        sys.stdout,
    )


def _drive(sender: _Sender, selector: selectors.BaseSelector, seconds: float) -> list[float]:
    """Keep all connections busy for some seconds; return how long each request took."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(timeout=end - now):
            connection = key.data
            connection.answer += connection.socket.recv(65_536)
            if _is_complete(connection.answer):
                took.append(time.perf_counter() - connection.began)
                _check(connection.answer, sender)
                _send(sender, connection)
    return took


def _send(sender: _Sender, connection: _Connection) -> None:
    request = sender.request()
    connection.answer, connection.began = b"", time.perf_counter()
    connection.socket.sendall(request)


def _is_complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not answer or len(answer) > MAX_ANSWER_BYTES:
        raise SystemExit("the server hung up")
    if not found:
        return False
    at = head.lower().index(b"content-length:") + 15
    return len(body) >= int(head[at:].split(b"\r\n", 1)[0])


def _check(answer: bytes, sender: _Sender) -> None:
    """Stop at an answer that is not that all facts were accepted: what is measured must be real."""
    if not answer.startswith(b"HTTP/1.1 200") or b'"accepted":%d,' % sender._asked.batch not in answer:
        raise SystemExit(f"not all were accepted: {answer[:1_000].decode(errors='replace')}")


if __name__ == "__main__":
    main()
