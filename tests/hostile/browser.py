"""A real browser for which every address there is leads to one server here, which notes the calls.

So that nothing was fetched is seen from outside: whatever a page calls, by whatever name, arrives.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.support.looking import program

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-dev-shm-usage",
)  # fmt: skip
HOME = (".google.com", ".googleapis.com")  # which the browser calls by itself, whatever it shows
SECONDS = 3  # of the browser's own clock, which a page has for what it does by and by


@dataclass(frozen=True)
class Visit:
    """The elements of a page after everything has run, and HOST/PATH of each call."""

    dom: str
    called: frozenset[str]


@dataclass(frozen=True)
class Browser:
    program: str

    def visit(self, html: str, *flags: str) -> Visit:
        """Open the page from a file, as students do, with a fresh profile."""
        with _beacon() as beacon, tempfile.TemporaryDirectory(prefix="grader-browser-") as folder:
            page = Path(folder) / "page.html"
            page.write_text(html, encoding="utf-8")
            port = beacon.server_address[1]
            done = subprocess.run(
                [
                    self.program, *FLAGS, f"--user-data-dir={folder}/profile",
                    f"--host-resolver-rules=MAP * 127.0.0.1:{port}",
                    f"--virtual-time-budget={SECONDS * 1000}", *flags, "--dump-dom", page.as_uri(),
                ],
                capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
                env=os.environ | {"HOME": folder},
            )  # fmt: skip
            assert "<html" in done.stdout, f"the browser shows nothing:\n{done.stderr}"
            return Visit(done.stdout, frozenset(beacon.called))


def find() -> Browser:
    """Chromium; without one the test is skipped, or fails where CI demands everything."""
    return Browser(program())


class _Beacon(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.called: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: _Beacon

    def do_GET(self) -> None:
        host = self.headers["Host"].partition(":")[0]
        if not host.endswith(HOME):
            self.server.called.add(host + self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Not on stderr."""


@contextmanager
def _beacon() -> Iterator[_Beacon]:
    with _Beacon() as beacon:
        Thread(target=beacon.serve_forever, daemon=True).start()
        yield beacon
        beacon.shutdown()
