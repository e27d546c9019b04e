"""No body beyond a bound, whether its length is announced or not."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem


class BodyLimit:
    """Refuses what is announced as too large unread, and what grows too large as soon as it is."""

    def __init__(self, app: ASGIApp, *, most_bytes: int, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._most = most_bytes
        self._larger = larger or {}
        """Paths, and what is below them, that take more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next(
            (size for path, size in self._larger.items() if scope["path"].startswith(path)), self._most
        )
        detail = f"a body has at most {most} bytes"
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > most:
            await problem(self._status, "too_large", detail)(scope, receive, send)
            return
        read = 0

        async def count() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(self._status, detail)
            return message

        await self._app(scope, count, send)

    _status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
