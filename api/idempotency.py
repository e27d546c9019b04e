"""Requests that may be sent again and act once: who names a key is answered what was answered first.

A route takes `once: Once` after those who may call it, and ends in `return once.keep(answer)`.
"""

import hmac
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import psycopg
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.deps import Caller, Now, RawBody, Settings, WriteSession
from api.refusals import Busy
from db import answers
from db.answers import Asked
from db.seal import Seal
from dispatch.errors import Invalid

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

_RETRY_AFTER_S = 2

T = TypeVar("T")

KeyHeader = Annotated[
    str | None,
    Header(
        alias=KEY,
        pattern=r"^[!-~]{1,255}$",
        description="A name of your own for this request, such as a UUID. Sent again with it within 24 hours,"
        f" the request does nothing and gets the first answer again, marked `{REPLAYED}: true`.",
    ),
]


class KeyReused(Invalid):
    """One key, two requests."""

    code = "key_reused"
    field = KEY

    def __init__(self) -> None:
        super().__init__("another request was sent under this key; give each request a key of its own")


class UnderWay(Busy):
    """The first one has not ended yet."""

    code = "under_way"

    def __init__(self) -> None:
        super().__init__("the same request is still under way; ask again", retry_after_s=_RETRY_AFTER_S)


class Replay(Exception):
    """Not an error: the request was answered before, and this is the answer."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.said = said


class Repeatable:
    """A request that has not been answered yet, with or without a key."""

    def keep(self, answer: T) -> T:
        """Have it answered so from now on; an answer is what a route may return."""
        return answer


class Keyed(Repeatable):
    """A request under a key, which is held until the transaction ends."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request, self._response = request, response
        self.said: dict[str, Any] | None = None

    def keep(self, answer: T) -> T:
        if isinstance(answer, Response):
            self._note(answer, answer.status_code)
        else:
            usual = self._request.scope["route"].status_code or HTTPStatus.OK
            self._note(JSONResponse(jsonable_encoder(answer)), self._response.status_code or usual)
        return answer

    def _note(self, sent: Response, status: int) -> None:
        self.said = {
            "status": status,
            "type": sent.headers["content-type"],
            "body": bytes(sent.body).decode(),
        }


def _once(
    request: Request,
    response: Response,
    caller: Caller,
    session: WriteSession,
    settings: Settings,
    body: RawBody,
    at: Now,
    key: KeyHeader = None,
) -> Iterator[Repeatable]:
    """Answer what was answered before, or let the route act and keep its answer in the same transaction."""
    if key is None:
        yield Repeatable()
        return
    secret = settings.derive("answers")
    asked = Asked(caller.id, f"{request.method} {request.url.path}", key)
    fingerprint = _fingerprint(secret, request.url.query, body)
    _wait_for_turn(session, asked)
    if kept := answers.find(session, asked, at=at):
        if kept.fingerprint != fingerprint:
            raise KeyReused
        raise Replay(Seal(secret).open(kept.sealed))
    keyed = Keyed(request, response)
    yield keyed
    if keyed.said is None:
        raise RuntimeError(f"{asked.route} takes a key and keeps no answer")
    answers.keep(session, asked, fingerprint=fingerprint, sealed=Seal(secret).close(keyed.said), at=at)


Once = Annotated[Repeatable, Depends(_once, scope="function")]


def install(app: FastAPI) -> None:
    """Have replays answered."""
    app.add_exception_handler(Replay, _replay)


def _wait_for_turn(session: Session, asked: Asked) -> None:
    try:
        answers.wait_for_turn(session, asked)
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise UnderWay from None
        raise


def _fingerprint(secret: str, query: str, body: bytes) -> str:
    # Keyed, for a body may hold what is easily guessed, and this is kept.
    return hmac.digest(bytes.fromhex(secret), f"{query}\n".encode() + body, "sha256").hex()


def _replay(_: Request, replay: Exception) -> Response:
    assert isinstance(replay, Replay)
    said = replay.said
    headers = {"content-type": said["type"], REPLAYED: "true"}
    return Response(said["body"], said["status"], headers)
