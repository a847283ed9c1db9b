"""Serve the simulator on this machine: a thread for each connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import connections

from selbsthelfer.selfservice.tmf.faults import CONNECTION
from selbsthelfer.selfservice.tmf.simulator import Simulator

HOST: Final = "127.0.0.1"


class SimulatorServer(ThreadingMixIn, WSGIServer):
    """A server on loopback; its threads end with the process."""

    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        """Bind without asking the network for the name of this machine."""
        super(WSGIServer, self).server_bind()
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), CONNECTION: self.connection}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write nothing: addresses hold ids of lines."""


def make_server(application: WSGIApplication, port: int) -> SimulatorServer:
    """Bind a server; port 0 is any free one. Raises `OSError` where the port is taken."""
    server = SimulatorServer((HOST, port), _Handler)
    server.set_app(application)
    return server


def closing_connections(application: WSGIApplication) -> WSGIApplication:
    """Close the database connection of a thread with its request, as a thread serves one connection only."""

    def closing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        finally:
            connections.close_all()

    return closing


@contextmanager
def serving(simulator: Simulator, port: int = 0) -> Iterator[str]:
    """Serve a simulator while the block runs; gives its address."""
    server = make_server(closing_connections(simulator), port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        simulator.close()
        server.shutdown()
        thread.join()
        server.server_close()
