"""The counter of those who look on by a link: whoever has it may, for as long as the incident is open."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Header, Path, Request, status
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from api.deps import Address, Db, Now, RawBody, TryCounts
from api.live.pace import Pace
from api.live.page import HEADERS, render, render_unknown
from api.live.view import View, look
from api.refusals import WrongField
from db.models import LiveLink
from db.session import Database
from dispatch.errors import NotFound
from dispatch.sos import guardians
from dispatch.sos.statements import Words

PREFIX = "/live/"

router = APIRouter(prefix="/live", tags=["guardians"])

Token = Annotated[str, Path(max_length=64, description="what the link ends with")]
Accepted = Annotated[str, Header(alias="Accept-Language", max_length=500)]

T = TypeVar("T")


def _pace(request: Request) -> Pace:
    found: Pace = request.app.state.live_pace
    return found


Paces = Annotated[Pace, Depends(_pace)]


@router.get("/{token}.json", response_model=None)
def live_state(
    token: Token, database: Db, pace: Paces, tries: TryCounts, address: Address, at: Now
) -> Response:
    """What the page shows, in words; 410 with the last of them once the incident is over.

    Only a page that runs asks for it, never a preview that a phone makes by itself: so it counts as seen.
    """

    def seen(session: Session, link: LiveLink) -> View:
        guardians.note_opened(session, link, at=at)
        return look(session, link, at=at)

    view = _with_link(database, token, seen, pace, at)
    if view is None:
        tries.spend("live link", address, at=at)
        raise NotFound("there is no such link")
    return JSONResponse(view.told(), _status(view), HEADERS)


@router.get("/{token}", response_class=HTMLResponse)
def live_page(
    token: Token,
    database: Db,
    pace: Paces,
    tries: TryCounts,
    address: Address,
    at: Now,
    accepted: Accepted = "",
) -> HTMLResponse:
    """The page of a guardian; 410 once the incident is over."""
    view = _with_link(database, token, lambda session, link: look(session, link, at=at), pace, at)
    if view is None:
        tries.spend("live link", address, at=at)
        return HTMLResponse(render_unknown(accepted), status.HTTP_404_NOT_FOUND, HEADERS)
    return HTMLResponse(render(view, path=f"{PREFIX}{token}"), _status(view), HEADERS)


@router.post("/{token}/spoke", status_code=status.HTTP_303_SEE_OTHER, response_model=None)
def speak(
    token: Token, body: RawBody, database: Db, pace: Paces, tries: TryCounts, address: Address, at: Now
) -> Response:
    """A guardian spoke to the wearer: `words=fine` or `words=needs_help`, as a form. It resolves nothing."""
    words = _read_words(body)

    def said(session: Session, link: LiveLink) -> View:
        view = look(session, link, at=at)
        if not view.over:
            guardians.speak(session, link, words=words, at=at)
        return view

    # Whoever says something again and again is not heard better.
    tries.spend(f"statement {token}", address, at=at)
    view = _with_link(database, token, said, pace, at)
    if view is None:
        raise NotFound("there is no such link")
    if view.over:
        return HTMLResponse(render(view, path=f"{PREFIX}{token}"), status.HTTP_410_GONE, HEADERS)
    return RedirectResponse(f"{PREFIX}{token}", status.HTTP_303_SEE_OTHER, HEADERS)


def _with_link(
    database: Database, token: str, do: Callable[[Session, LiveLink], T], pace: Pace, at: datetime
) -> T | None:
    with database.transaction() as session:
        link = guardians.find_link(session, token)
        if link is None:
            return None
        pace.spend(link.token_hash, at=at)
        return do(session, link)


def _read_words(body: bytes) -> Words:
    said = parse_qs(body.decode(errors="replace"), max_num_fields=5).get("words", [""])[0]
    try:
        return Words(said)
    except ValueError:
        raise WrongField("words", f"must be {' or '.join(Words)}") from None


def _status(view: View) -> int:
    return status.HTTP_410_GONE if view.over else status.HTTP_200_OK
