"""How a WebSocket is served and closed; what is said on it stands with its route."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from api.accounts.tokens import Signer
from api.admission import Turned, let_in, receive_text, token_in
from api.audience import TRY_AGAIN, UNAUTHENTICATED, Audience, Listener
from api.refusals import Unauthenticated
from db.states import Role

log = structlog.get_logger()

_SENT_WITHIN_S = 10.0
_CLOSED_WITHIN_S = 2.0

L = TypeVar("L", bound=Listener)
Hear = Callable[[L, str], Awaitable[None]]
"""What is done with what a client says that is no token."""


async def serve(
    socket: WebSocket,
    audience: Audience[L],
    *,
    needs: frozenset[Role],
    welcome: Callable[..., L],
    hear: Hear[L] | None = None,
) -> None:
    """Let the caller in, send what its listener is told, and close when the right to it ends."""
    # Accepted first: a browser is told a close code only on an open socket.
    await socket.accept()
    try:
        guest = await let_in(socket, needs)
    except Turned as turned:
        log.info("socket refused", path=socket.url.path, code=turned.code, reason=turned.reason)
        await _close(socket, turned.code, turned.reason)
        return
    except WebSocketDisconnect:
        return
    listener = welcome(guest.person, needs=needs, expires_at=guest.expires_at, at=datetime.now(UTC))
    audience.join(listener)
    log.info("socket opened", path=socket.url.path, user=str(guest.person.uuid))
    try:
        await _attend(socket, listener, hear)
    finally:
        audience.leave(listener)
        listener.end(1000, "")
        log.info("socket closed", path=socket.url.path, user=str(guest.person.uuid))


async def _attend(socket: WebSocket, listener: L, hear: Hear[L] | None) -> None:
    work = [
        asyncio.create_task(_read(socket, listener, hear)),
        asyncio.create_task(_write(socket, listener)),
    ]
    try:
        waited: list[asyncio.Future[Any]] = [*work, listener.ending]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if listener.ending.done():
            await _close(socket, *listener.ending.result())
    finally:
        for task in work:
            task.cancel()
        for error in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                log.error("socket failed", path=socket.url.path, exc_info=error)


async def _write(socket: WebSocket, listener: Listener) -> None:
    while True:
        text = await listener.waiting.get()
        try:
            await asyncio.wait_for(socket.send_text(text), _SENT_WITHIN_S)
        except TimeoutError:
            listener.end(TRY_AGAIN, "too slow")
            return


async def _read(socket: WebSocket, listener: L, hear: Hear[L] | None) -> None:
    """Notice that the client left; a newer token of the same person prolongs the socket."""
    signer: Signer = socket.app.state.signer
    with suppress(WebSocketDisconnect):
        while True:
            text = await receive_text(socket)
            token = token_in(text)
            if token is None:
                if hear is not None:
                    await hear(listener, text)
                continue
            try:
                access = signer.read(token, at=datetime.now(UTC))
            except Unauthenticated as refusal:
                listener.end(UNAUTHENTICATED, refusal.message)
                return
            if access.user == listener.person.uuid:
                listener.renew(access, at=datetime.now(UTC))


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        await asyncio.wait_for(socket.close(code, reason), _CLOSED_WITHIN_S)
