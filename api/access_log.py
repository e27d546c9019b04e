"""One line for each request, without its query and the secret part of its path: tokens may stand there."""

import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("api.access")

_QUIET = frozenset({"/healthz", "/readyz"})


_BY_LINK = re.compile(r"^/(live|track)/[^/.]*")


def loggable(path: str) -> str:
    """A path as a log may hold it: whoever reads the log does not look on."""
    return _BY_LINK.sub(r"/\1/***", path)


class AccessLog:
    """Outermost, so that it sees what was really answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=loggable(scope["path"]),
                status=status,
                took_ms=round((time.perf_counter() - began) * 1000, 1),
                client=scope["client"][0] if scope.get("client") else None,
            )
