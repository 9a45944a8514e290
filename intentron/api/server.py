"""The HTTP server of the local API: hypercorn on trio, HTTP/1.1 on the Unix socket, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import Framework

from intentron.api.listening import listening, socket_path
from intentron.api.operations import Operations
from intentron.api.routes import make_app

log = structlog.get_logger()

GRACE_S: Final = 0.5  # for requests under way when the node stops
AGAIN_AFTER_S: Final = 1.0


async def serve_api(
    operations: Operations,
    home: Path,
    *,
    stop: trio.Event,
    task_status: trio.TaskStatus[Path] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `operations` on the socket in the folder `home` until `stop` is set; reports the socket's path.

    A fault of the server is logged and the server started again: it never ends the node.  Requests under way at the
    end get half a second, then they are broken off, as all are when it is cancelled.  Raises `SetupError` and
    `StoreError`, as `listening` does.
    """
    app = make_app(operations)
    with listening(home) as listener:
        task_status.started(socket_path(home))
        while not stop.is_set():
            config = Config()
            config.bind = [f"fd://{listener.dup().detach()}"]
            config.alpn_protocols = ["http/1.1"]
            config.errorlog = None
            config.include_server_header = False
            config.graceful_timeout = GRACE_S
            try:
                await serve(cast("Framework", app), config, shutdown_trigger=stop.wait, mode="asgi")
            except Exception:
                log.exception("api_failed")
                await trio.sleep(AGAIN_AFTER_S)
