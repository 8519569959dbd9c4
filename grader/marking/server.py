"""Runs the server of the marking page, reachable from this machine only."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from grader.errors import UsageError
from grader.marking.app import MarkingApp

ADDRESS = "127.0.0.1"   # nothing outside this machine reaches it


def serve(page: MarkingApp, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C. Raises UsageError if the port is taken.

    Args:
        port: 0 takes any free port.
        ready: called with the page's address, whose fragment is the token.
    """
    with open_socket(port) as listener:
        ready(address_of(page, listener))
        server_of(page, listener).run(sockets=[listener])


def open_socket(port: int) -> socket.socket:
    """A socket bound to the port on this machine. Raises UsageError if the port is taken."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}; choose another, or leave --port out"
        ) from None
    return listener


def address_of(page: MarkingApp, listener: socket.socket) -> str:
    return f"http://{ADDRESS}:{listener.getsockname()[1]}/#{page.token}"


def server_of(page: MarkingApp, listener: socket.socket) -> uvicorn.Server:
    config = uvicorn.Config(
        page.app(listener.getsockname()[1]), log_level="warning", access_log=False, lifespan="off",
        ws="none", server_header=False, timeout_graceful_shutdown=3,
    )  # fmt: skip
    return uvicorn.Server(config)
