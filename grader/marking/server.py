"""The server behind the page: on this machine only, until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from grader.errors import UsageError
from grader.marking.app import Page

ADDRESS = "127.0.0.1"   # nothing outside of this machine gets through to it


def serve(page: Page, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; `ready` is told the address, with the token where no server sees it.

    Port 0 is any that is free. Raises UsageError for one that is taken.
    """
    with listening(port) as door:
        ready(address_of(page, door))
        server_of(page, door).run(sockets=[door])


def listening(port: int) -> socket.socket:
    """What the server is to be asked by."""
    door = socket.socket()
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((ADDRESS, port))
    except OSError as error:
        door.close()
        raise UsageError(
            f"port {port} cannot be had: {error.strerror}; name another with --port, or none"
        ) from None
    return door


def address_of(page: Page, door: socket.socket) -> str:
    return f"http://{ADDRESS}:{door.getsockname()[1]}/#{page.token}"


def server_of(page: Page, door: socket.socket) -> uvicorn.Server:
    config = uvicorn.Config(
        page.app(door.getsockname()[1]), log_level="warning", access_log=False, lifespan="off",
        ws="none", server_header=False, timeout_graceful_shutdown=3,
    )  # fmt: skip
    return uvicorn.Server(config)
