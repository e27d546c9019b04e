"""Who may open a WebSocket: from which page, with which token, in which role."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import WebSocket, WebSocketDisconnect
from sqlalchemy.exc import SQLAlchemyError

from api.accounts import service
from api.accounts.service import Person
from api.accounts.tokens import Access, Signer
from api.audience import FORBIDDEN, TRY_AGAIN, UNAUTHENTICATED
from api.refusals import Unauthenticated
from db.session import Database
from db.states import Role

_FIRST_MESSAGE_WITHIN_S = 5.0
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Turned(Exception):
    """Somebody is turned away, with the close code that says why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever was let in, and until when."""

    person: Person
    expires_at: datetime


async def let_in(socket: WebSocket, needs: frozenset[Role]) -> Guest:
    """Whoever asks, if they may; else Turned. The token is a Bearer header, `?token=` or a first message."""
    if not may_come_from(
        socket.headers.get("origin"), socket.headers.get("host"), socket.app.state.settings.api_origins
    ):
        raise Turned(FORBIDDEN, "this page may not connect here")
    access = await _access(socket)
    try:
        person = await asyncio.to_thread(_find, socket.app.state.database, access)
    except SQLAlchemyError:
        raise Turned(TRY_AGAIN, "the database cannot be reached") from None
    if person is None:
        raise Turned(UNAUTHENTICATED, "this session has ended")
    if not person.active:
        raise Turned(FORBIDDEN, "account is blocked")
    if not person.has(*needs):
        raise Turned(FORBIDDEN, f"needs the role {' or '.join(sorted(needs))}")
    return Guest(person, access.expires_at)


async def _access(socket: WebSocket) -> Access:
    token = _bearer(socket.headers.get("authorization")) or socket.query_params.get("token")
    if token is None:
        token = await _first_message(socket)
    signer: Signer = socket.app.state.signer
    try:
        return signer.read(token, at=datetime.now(UTC))
    except Unauthenticated as refusal:
        raise Turned(UNAUTHENTICATED, refusal.message) from None


async def _first_message(socket: WebSocket) -> str:
    try:
        token = token_in(await asyncio.wait_for(receive_text(socket), _FIRST_MESSAGE_WITHIN_S))
    except TimeoutError:
        token = None
    if token is None:
        raise Turned(UNAUTHENTICATED, 'send {"token": "<access token>"} first')
    return token


async def receive_text(socket: WebSocket) -> str:
    """The next message; anything but text is empty."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    return message.get("text") or ""


def token_in(text: str) -> str | None:
    """The token of a message such as `{"token": "..."}`."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = said.get("token") if isinstance(said, dict) else None
    return token if isinstance(token, str) else None


def _bearer(header: str | None) -> str | None:
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _find(database: Database, access: Access) -> Person | None:
    with database.transaction() as session:
        return service.find_person(session, access.user, session_id=access.session)


def may_come_from(origin: str | None, host: str | None, allowed: frozenset[str]) -> bool:
    """Whether a page of this origin may open a socket; programs, which name none, may."""
    if origin is None or origin in allowed:
        return True
    try:
        page = urlsplit(origin)
        default = _PORTS.get(page.scheme)
        own = urlsplit(f"//{host or ''}")
        return (
            page.hostname is not None
            and page.hostname == own.hostname
            and (page.port or default) == (own.port or default)
        )
    except ValueError:
        return False
