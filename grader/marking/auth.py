"""Rejects requests to the page of `grader mark` that do not come from the page itself.

The page is for one person at this machine, but any other web page in the same browser can send
requests here. So a request must name this server as its host (which defeats DNS rebinding), come
from the server's own pages, and carry the token in a header, which no other page can set. There is
no cookie: a browser would send it by itself, even to servers on other ports.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "x-grader-token"
MARKER = "x-grader-marker"   # percent-encoded; several people may use one server
_LARGEST_BODY = 64_000   # bytes

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A PDF gets an origin of its own that runs and requests nothing, in case it is not really a PDF.
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'self'"


_NO_TOKEN = (
    "The token is missing or belongs to a server that has ended. Open the address that "
    "`grader mark` printed."
)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def file_token(token: str, digest: str) -> str:
    """A token that opens one file only, so a frame's address may contain it."""
    return hmac.new(token.encode(), digest.encode(), hashlib.sha256).hexdigest()[:40]


class AuthMiddleware:
    """ASGI middleware that answers 403 to every request that is not from the page itself."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return   # the page uses no web sockets
        reason = self._refusal(scope["path"], scope["method"], Headers(scope=scope))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                more = {"content-security-policy": PAGE_POLICY, **_ALWAYS}
                message["headers"] += [
                    (name.encode(), value.encode()) for name, value in more.items()
                    if name.encode() not in there
                ]
            await send(message)

        if reason:
            await PlainTextResponse(reason, status_code=403)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _refusal(self, path: str, method: str, headers: Mapping[str, str]) -> str:
        """Why the request is rejected; "" if it is allowed."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if host.lower() not in self._hosts:
            return "The request names another host."
        if origin is not None and origin.lower() not in {f"http://{one}" for one in self._hosts}:
            return "Requests from other pages are not allowed."
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and (
            path.startswith(("/api/", "/pdf/"))
        ):
            return "Requests from other pages are not allowed."
        if path.startswith("/api/"):
            given = headers.get(TOKEN, "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return _NO_TOKEN
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY or "transfer-encoding" in headers:
            return "The request is too large."
        return "" if method in ("GET", "HEAD", "POST", "PUT") else "This method is not allowed."
