"""Run the app of `examples/operator-app`, as its file stands there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Final

FOLDER: Final = Path(__file__).parent.parent / "examples" / "operator-app"


def load_app() -> ModuleType:
    """Load the file, which is no part of any package."""
    spec = spec_from_file_location("operator_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def running_app(*, portal: str, key: str, customers: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """Run the app on this machine; give its address."""
    module = load_app()
    app = module.OperatorApp(portal=portal, key=key, customers=customers)
    with module.serve(app, port) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            app.api.close()
